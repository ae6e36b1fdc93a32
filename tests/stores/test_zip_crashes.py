"""Processes that are killed while they write: archives and stores open afterwards, and every cell is old or new."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
import pytest

import zarrite

KILLS = int(os.environ.get("ZARRITE_KILLS", "25"))
"""How many processes are killed for each kind of work; `ZARRITE_KILLS=1000` is the long form."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

SHAPE, CHUNKS = (64, 4096), (8, 4096)


def update(place: Path, turn: int) -> None:
    """Changes an archive: whole chunks, a part of one, and an attribute."""
    with zarrite.open_group(place, mode="r+") as group:
        array = group["a"]
        array[:32] = turn
        array[36, 7] = turn
        group.attrs["turn"] = turn


def write(place: Path, turn: int) -> None:
    """Replaces an archive."""
    with zarrite.open_group(place, mode="w") as group:
        array = group.create_array("a", shape=SHAPE, chunks=CHUNKS, dtype="i8", compressors=None)
        array[...] = turn
        group.attrs["turn"] = turn


def pack(place: Path, turn: int) -> None:
    """Packs a store over an archive."""
    store = zarrite.storage.MemoryStore()
    group = zarrite.create_group(store, attributes={"turn": turn})
    group.create_array("a", shape=SHAPE, chunks=CHUNKS, dtype="i8", compressors=None)[...] = turn
    zarrite.pack(store, place, overwrite=True)


def child(work: str, place: Path, seed: int) -> int:
    """Works again and again in a forked process, which is killed at a random moment. Says which turn it had begun."""
    turn = seed * 1000
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        try:
            while True:
                turn += 1
                os.write(writer, b"%d\n" % turn)
                globals()[work](place, turn)
        except BaseException:
            os._exit(1)
    os.close(writer)
    begun = os.read(reader, 1)
    while seed % 3 == 0 and begun.count(b"\n") < 2:
        begun += os.read(reader, 100)
    time.sleep(random.Random(seed).random() * 0.05)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), "it was still working"
    said = begun + os.read(reader, 1 << 16)
    os.close(reader)
    return int(said.split()[-1])


def check(place: Path, work: str) -> int:
    """The turn that an archive is of; fails where it is of two."""
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len(names) == len(set(names))
    group = zarrite.open_group(place, mode="r")
    turn = int(group.attrs["turn"])  # type: ignore[call-overload]
    cells = group["a"][...]
    assert isinstance(cells, np.ndarray)
    if work == "update" and turn:
        assert (cells[:32] == turn).all()
        assert cells[36, 7] == turn
        cells[:32], cells[36, 7] = 0, 0
        turn_of_rest = 0
    else:
        turn_of_rest = turn
    assert (cells == turn_of_rest).all()
    return turn


@pytest.mark.parametrize("work", ["update", "write", "pack"])
def test_an_archive_is_old_or_new_when_its_writer_is_killed(tmp_path: Path, work: str) -> None:
    place = tmp_path / "a.zip"
    write(place, 0)
    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom stores.test_zip_crashes import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, work, str(place), str(KILLS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["killed"] == KILLS
    assert told["new"] > 0, "some of the work was done"
    update(place, 1)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"], "nothing is left once somebody writes again"


def main() -> None:
    """Kills children of a process that has no threads yet, and looks at what each left."""
    work, place, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    new = strays = before = 0
    for seed in range(1, kills + 1):
        last = child(work, place, seed)
        reader, writer = os.pipe()
        looker = os.fork()
        if looker == 0:
            try:
                os.write(writer, b"%d" % check(place, work))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(writer)
        said = os.read(reader, 100)
        os.close(reader)
        assert os.waitstatus_to_exitcode(os.waitpid(looker, 0)[1]) == 0, f"after kill {seed}"
        turn = int(said)
        assert turn == before or seed * 1000 < turn <= last, (turn, before, last)
        new += turn != before
        before = turn
        strays += len(list(place.parent.iterdir())) - 1
    print(json.dumps({"killed": kills, "new": new, "strays": strays}))
