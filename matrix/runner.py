"""Every implementation writes each case, every other reads it, and the bytes are compared: `make matrix`.

    --sample N     so many combinations beside the cases with names (what a week's run does)
    --full         every combination there is, in random order
    --minutes N    begin no case after so many minutes
    --only NAMES   implementations, with commas between them
    --cases WORD   cases whose name has this word
    --page PATH    where the page goes; "" for none
    --here         install nothing: whoever is not here is left out
    --kept PATH    where the outcome of every cell goes, as JSON lines
    --again        write the page of what was kept, and run nothing

Exit code 1 means that zarrite wrote or read something wrong, or died.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import page
from cases import Case, everything, sample
from page import CRASHED, OWN, REFUSED, RIGHT, WRONG
from peers import PEERS, ROOT, Absent, Peer, home
from speaker import Died, Speaker

__all__ = ["CRASHED", "REFUSED", "RIGHT", "WRONG", "Cell", "Run", "compare", "main", "started"]

SENTENCE = 300
"""How much is kept of why something was refused, in characters."""


class Cell(NamedTuple):
    """What came of one case, one writer and one reader.

    Attributes:
        case: which case.
        writer: who wrote.
        reader: who read; "" where nothing was written.
        outcome: one of the four words.
        said: why, in the words of the one that refused or died, or how the bytes differ.
    """

    case: Case
    writer: str
    reader: str
    outcome: str
    said: str


class Run(NamedTuple):
    """One run of the matrix.

    Attributes:
        versions: the implementations that took part, with their versions.
        absent: those that did not, with the reason.
        cells: what came of it.
        seconds: how long it took.
        what: which cases were tried, in words.
        day: when.
    """

    versions: dict[Peer, str]
    absent: dict[str, str]
    cells: list[Cell]
    seconds: float
    what: str
    day: str


def started(names: Iterable[str] = (), *, fetch: bool = True) -> tuple[list[Speaker], dict[str, str]]:
    """The implementations that are here or could be installed, and why the others are not."""
    speakers: list[Speaker] = []
    absent: dict[str, str] = {}
    wanted = tuple(names)
    for peer in PEERS:
        if wanted and peer.name not in wanted:
            continue
        speaker = Speaker(peer)
        try:
            speaker.hello(fetch=fetch)
        except Absent as error:
            absent[peer.name] = str(error)
            speaker.close()
        else:
            speakers.append(speaker)
    return speakers, absent


def compare(speakers: list[Speaker], case: Case, room: Path) -> Iterator[Cell]:
    """One case: each writes, each reads what was written."""
    kept, back = room / "cells", room / "back"
    kept.write_bytes(case.cells)
    for writer in speakers:
        if case.format not in writer.peer.formats:
            continue
        # Each has a folder of its own: a writer that refused may still be at work in the background.
        inside = Path(tempfile.mkdtemp(dir=room))
        place = inside / "array"
        place.mkdir()
        task = {**case.task(), "place": str(place)}
        outcome, said = asked(writer, {**task, "verb": "write", "cells": str(kept)})
        if outcome != RIGHT:
            shutil.rmtree(inside, ignore_errors=True)
            yield Cell(case, writer.peer.name, "", outcome, said)
            continue
        for reader in speakers:
            if case.format not in reader.peer.formats:
                continue
            back.unlink(missing_ok=True)
            outcome, said = asked(reader, {**task, "verb": "read", "into": str(back)})
            if outcome == RIGHT:
                found = back.read_bytes()
                if found != case.cells:
                    outcome, said = WRONG, difference(found, case)
            yield Cell(case, writer.peer.name, reader.peer.name, outcome, said)
        shutil.rmtree(inside, ignore_errors=True)


def asked(speaker: Speaker, task: dict[str, object]) -> tuple[str, str]:
    """What came of asking."""
    try:
        refused = speaker.ask(task)
    except Died as error:
        return CRASHED, str(error)
    if refused is None:
        return RIGHT, ""
    # Many say the same but for where.
    return REFUSED, sys.intern(refused.replace(str(Path(str(task["place"])).parent), "..")[:SENTENCE])


def difference(found: bytes, case: Case) -> str:
    """How the bytes differ from those that were to be stored."""
    if len(found) != len(case.cells):
        return f"{len(found)} bytes for {len(case.cells)}"
    at = [number for number, (one, other) in enumerate(zip(found, case.cells, strict=True)) if one != other]
    first = at[0] // 8 * 8
    return (
        f"{len(at)} of {len(found)} bytes differ; from byte {first}: "
        f"{found[first : first + 8].hex()} for {case.cells[first : first + 8].hex()}"
    )


def keep(done: Run, path: Path) -> None:
    """Writes the outcome of every cell down, and before them what else the page says."""
    head = {
        "versions": {peer.name: version for peer, version in done.versions.items()},
        "absent": done.absent,
        "seconds": done.seconds,
        "what": done.what,
        "day": done.day,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.write(json.dumps(head) + "\n")
        for cell in done.cells:
            file.write(json.dumps([cell.case.name, *cell[1:]]) + "\n")


def taken_up(path: Path) -> Run:
    """A run that was written down; its cases are made again."""
    with path.open() as file:
        head = json.loads(file.readline())
        kept = [(name, sys.intern(writer), *rest) for name, writer, *rest in map(json.loads, file)]
    missing = {name for name, *_ in kept}
    cases: dict[str, Case] = {}
    for case in everything():
        if case.name in missing:
            cases[case.name] = case
            missing.remove(case.name)
        if not missing:
            break
    cells = [Cell(cases[name], *rest) for name, *rest in kept]
    versions = {peer: head["versions"][peer.name] for peer in PEERS if peer.name in head["versions"]}
    return Run(versions, head["absent"], cells, head["seconds"], head["what"], head["day"])


def main() -> int:
    """Runs the matrix, writes the page, and says how it went."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sample", type=int, nargs="?", const=120, default=120)
    words.add_argument("--full", action="store_true")
    words.add_argument("--minutes", type=float, default=0)
    words.add_argument("--only", default="")
    words.add_argument("--cases", default="")
    words.add_argument("--page", default=str(ROOT / "docs" / "reference" / "matrix.md"))
    words.add_argument("--here", action="store_true")
    words.add_argument("--kept", default=str(home() / "results.jsonl"))
    words.add_argument("--again", action="store_true")
    asked_for = words.parse_args()
    if asked_for.again:
        Path(asked_for.page).write_text(page.written(taken_up(Path(asked_for.kept))))
        return 0
    begun = time.monotonic()
    speakers, absent = started(filter(None, asked_for.only.split(",")), fetch=not asked_for.here)
    for name, reason in absent.items():
        print(f"{name} is left out: {reason}")
    cells: list[Cell] = []
    count, over = 0, False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        for case in everything() if asked_for.full else sample(asked_for.sample):
            if asked_for.minutes and time.monotonic() - begun > 60 * asked_for.minutes:
                over = True
                break
            if asked_for.cases in case.name:
                cells += compare(speakers, case, Path(room))
                count += 1
                if count % 100 == 0:
                    print(f"{count} cases, {time.monotonic() - begun:.0f} s", flush=True)
    versions = {speaker.peer: speaker.version for speaker in speakers}
    for speaker in speakers:
        speaker.close()
    what = f"{'every combination' if asked_for.full and not over else 'a sample of the combinations'}, {count:,} cases"
    done = Run(versions, absent, cells, time.monotonic() - begun, what, f"{datetime.now(UTC):%d %B %Y}")
    keep(done, Path(asked_for.kept))
    if asked_for.page:
        Path(asked_for.page).write_text(page.written(done))
    print(page.summary(done))
    for group in page.faults(cells):
        first = group.cells[0]
        print(
            f"{len(group.cells)} wrong, {group.who} {group.do}s: {page.cases_of(group.cells)}: "
            f"{group.reason or f'{first.writer} to {first.reader}: {first.said}'}"
        )
    died = any(cell.outcome == CRASHED and (cell.reader or cell.writer) == OWN for cell in cells)
    return 1 if died or any(map(page.is_ours, page.faults(cells))) else 0


if __name__ == "__main__":
    sys.exit(main())
