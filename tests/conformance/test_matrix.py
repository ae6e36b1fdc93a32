"""The implementation matrix: what is right, wrong, refused and dead is seen, and who is at fault."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "matrix"))
import cases
import page
import peers
import runner
from speaker import Speaker

HANDFUL = 12
LIAR = """
import sys
sys.path.insert(0, {drivers!r})
import os
from pathlib import Path
import numpy as np
from speaking import lay_down, serve
from wire import from_wire

def write(task, cells):
    if task["dtype"] == "<i4":
        os._exit(3)
    raise ValueError("not this type")

def read(task):
    return np.zeros(tuple(task["shape"]), task["dtype"])

serve("liar", "1", write, read)
"""


@pytest.fixture(scope="module")
def handful() -> list[cases.Case]:
    return list(itertools.islice(cases.named(), HANDFUL))


@pytest.fixture
def speakers() -> Iterator[list[Speaker]]:
    """Every implementation that is installed here."""
    found, _ = runner.started(fetch=False)
    yield found
    for speaker in found:
        speaker.close()


def test_nobody_who_is_here_reads_or_writes_a_handful_of_cases_wrong(
    speakers: list[Speaker], handful: list[cases.Case], tmp_path: Path
) -> None:
    assert [speaker.peer.name for speaker in speakers][:1] == ["zarrite"]
    cells = [cell for case in handful for cell in runner.compare(speakers, case, tmp_path)]
    own = [cell for cell in cells if cell.writer == cell.reader == "zarrite"]
    assert [cell.outcome for cell in own] == [runner.RIGHT] * HANDFUL
    assert [cell for cell in cells if cell.outcome in {runner.WRONG, runner.CRASHED}] == []


def test_who_reads_wrong_refuses_or_dies_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, handful: list[cases.Case]
) -> None:
    script = tmp_path / "liar.py"
    script.write_text(LIAR.format(drivers=str(peers.DRIVERS)))
    liar = peers.Peer("liar", "Python", ("v3", "v2"), lambda: [sys.executable, str(script)])
    monkeypatch.setattr(runner, "PEERS", (peers.PEERS[0], liar))
    speakers, absent = runner.started(fetch=False)
    assert absent == {}
    by_type = {case.dtype: case for case in handful if isinstance(case.dtype, str)}
    cells = [cell for told in ("<i2", "<f4") for cell in runner.compare(speakers, by_type[told], tmp_path / ".")]
    cells += runner.compare(speakers, next(case for case in cases.named() if case.dtype == "<i4"), tmp_path)
    for speaker in speakers:
        speaker.close()
    seen = {(cell.writer, cell.reader, cell.outcome) for cell in cells}
    assert seen == {
        ("zarrite", "zarrite", runner.RIGHT),
        ("zarrite", "liar", runner.WRONG),
        ("liar", "", runner.REFUSED),
        ("liar", "", runner.CRASHED),
    }


def test_who_is_at_fault_is_who_stands_alone(handful: list[cases.Case]) -> None:
    case = handful[0]

    def told(writer: str, **outcomes: str) -> list[runner.Cell]:
        return [runner.Cell(case, writer, reader, outcome, "") for reader, outcome in outcomes.items()]

    (reader,) = page.faults(told("a", a=runner.RIGHT, b=runner.RIGHT, c=runner.WRONG))
    assert (reader.who, reader.do) == ("c", "read")
    (writer,) = page.faults(told("a", a=runner.RIGHT, b=runner.WRONG, c=runner.WRONG, d=runner.REFUSED))
    assert (writer.who, writer.do, len(writer.cells)) == ("a", "write", 2)


def test_who_is_known_to_do_so_is_at_fault_where_nobody_else_reads() -> None:
    (case,) = [case for case in cases.odd_floats() if case.name == "v3 complex64, none, odd bits"]
    wrong = runner.Cell(case, "zarr-python 3", "zarrite", runner.WRONG, "")
    (group,) = page.faults([wrong])
    assert (group.who, group.do) == ("zarr-python 3", "write")
    assert "negative zeros" in group.reason
    assert not page.is_ours(group)


def test_an_implementation_that_is_not_here_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZARRITE_MATRIX", str(tmp_path / "empty"))
    speakers, absent = runner.started(fetch=False)
    for speaker in speakers:
        speaker.close()
    assert [speaker.peer.name for speaker in speakers] == ["zarrite"]
    assert set(absent) == {peer.name for peer in peers.PEERS} - {"zarrite"}
    assert set(absent.values()) == {peers.NOT_HERE}


def test_the_page_has_wrong_cells_first_and_names_everyone(handful: list[cases.Case]) -> None:
    own = peers.PEERS[0]
    other = peers.PEERS[1]
    cells = [
        runner.Cell(handful[0], own.name, own.name, runner.RIGHT, ""),
        runner.Cell(handful[0], own.name, other.name, runner.WRONG, "1 of 8 bytes differ"),
        runner.Cell(handful[1], other.name, "", runner.CRASHED, "no answer"),
    ]
    done = runner.Run({own: "1", other: "2"}, {"absent one": "no such package"}, cells, 1.0, "some cases", "1 May 2026")
    text = page.written(done)
    assert text.index("1 of 8 bytes differ") < text.index("Who reads whom")
    assert "absent one | no such package" in text
    assert "no answer" in text
    assert "/work" not in text


def test_cells_of_every_kind_survive_the_wire() -> None:
    import numpy as np
    import wire

    for case in cases.sample(20):
        back = wire.from_wire(case.cells, case.dtype, case.shape)
        assert wire.to_wire(back, case.dtype) == case.cells
        kind = np.dtype(object) if case.dtype in wire.VARYING else wire.type_of(case.dtype)
        assert kind.base == back.dtype


def test_a_run_that_was_kept_gives_the_same_page(tmp_path: Path, handful: list[cases.Case]) -> None:
    cells = [runner.Cell(handful[0], "zarrite", "zarrite", runner.RIGHT, "")]
    done = runner.Run({peers.PEERS[0]: "1"}, {"other": "why"}, cells, 1.0, "one case", "1 May 2026")
    runner.keep(done, tmp_path / "kept")
    assert runner.taken_up(tmp_path / "kept") == done
