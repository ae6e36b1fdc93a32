"""Work that is killed at random moments: a script, so that children are forked from a process that did nothing else.

`python crashing.py FOLDER WORK ROUNDS SEED` prints one JSON line: how many rounds, how many were cut short, how many
had an effect, how many files the dead left.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarrite

CELLS = 96
STRANGE = ".zarrite-"


class Work:
    """Something that is done over and over, killed at any moment, and looked at.

    Attributes:
        folder: where.
        effects: rounds after which something had changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.effects = 0

    def before(self, number: int) -> None:
        """Makes ready for a round."""

    def do(self, number: int) -> None:
        """The work; what the child does."""
        raise AssertionError

    def check(self, number: int) -> None:
        """What must hold, whenever the child was killed."""
        raise AssertionError


class Write(Work):
    """Cells are overwritten: whole chunks, parts of chunks, parts of shards."""

    REGION = (slice(5, 90), slice(3, 96))

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        group = zarrite.create_group(folder / "write")
        settings: list[dict[str, Any]] = [{"chunks": (16, 16)}, {"chunks": (8, 8), "shards": (32, 32)}]
        self.names = ["plain", "sharded"]
        for name, how in zip(self.names, settings, strict=True):
            group.create_array(name, data=np.zeros((CELLS, CELLS), "i4"), **how)
        self.now = {name: np.zeros((CELLS, CELLS), "i4") for name in self.names}

    def do(self, number: int) -> None:
        group = zarrite.open_group(self.folder / "write")
        for name in self.names:
            group[name][self.REGION if number % 2 else ...] = number  # type: ignore[index]

    def check(self, number: int) -> None:
        group = zarrite.open_group(self.folder / "write", mode="r")
        for name in self.names:
            found = group[name][...]  # type: ignore[index]
            region = self.REGION if number % 2 else ...
            was = self.now[name].copy()
            outside = np.ones(was.shape, bool)
            outside[region] = False
            assert np.array_equal(found[outside], was[outside]), f"{name}: cells that nobody wrote"
            assert (((found == number) | (found == was))[region]).all(), f"{name}: cells neither old nor new"
            step = 16 if name == "plain" else 32
            for row in range(0, CELLS, step):
                for column in range(0, CELLS, step):
                    place = (slice(row, row + step), slice(column, column + step))
                    inside = found[place][~outside[place]]
                    assert (inside == number).all() or np.array_equal(inside, was[place][~outside[place]]), (
                        "half an object"
                    )
            self.effects += bool((found == number).any())
            self.now[name] = found


class Append(Work):
    """Rows are appended, whose number does not fit the chunks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        zarrite.create_array(folder / "append", shape=(0, 8), chunks=(4, 4), shards=(16, 8), dtype="i4")
        self.rows = 0

    def before(self, number: int) -> None:
        if self.rows > 300:
            self.rows = 0
            zarrite.open_array(self.folder / "append", mode="r+").resize((0, 8))

    def do(self, number: int) -> None:
        array = zarrite.open_array(self.folder / "append", mode="r+")
        rows = array.shape[0] + np.arange(23)
        array.append(np.repeat(rows[:, None] + 1, 8, 1).astype("i4"))

    def check(self, number: int) -> None:
        array = zarrite.open_array(self.folder / "append", mode="r")
        assert array.shape[0] in {self.rows, self.rows + 23}, "neither the old nor the new shape"
        self.effects += array.shape[0] != self.rows
        self.rows = array.shape[0]
        assert np.array_equal(array[...], np.repeat(np.arange(self.rows)[:, None] + 1, 8, 1)), "rows lost"


class Copy(Work):
    """A hierarchy is copied, and what was copied is deleted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for zarr_format in (2, 3):
            group = zarrite.create_group(folder / f"source{zarr_format}", zarr_format=zarr_format)
            for name in ("a", "deep/b", "deep/er/c"):
                group.create_array(name, data=np.arange(1, 65).reshape(8, 8), chunks=(2, 2), attributes={"of": name})

    def before(self, number: int) -> None:
        shutil.rmtree(self.folder / "target", ignore_errors=True)

    def do(self, number: int) -> None:
        zarrite.copy(self.folder / f"source{2 + number % 2}", self.folder / "target")

    def check(self, number: int) -> None:
        names = whole_nodes(self.folder / "target")
        if "" in names:
            self.effects += 1
            assert names == {"", "a", "deep", "deep/b", "deep/er", "deep/er/c"}, "a root before its members"


class Delete(Copy):
    """A hierarchy is deleted."""

    def before(self, number: int) -> None:
        super().before(number)
        shutil.copytree(self.folder / f"source{2 + number % 2}", self.folder / "target")

    def do(self, number: int) -> None:
        zarrite.delete(self.folder / "target")

    def check(self, number: int) -> None:
        names = whole_nodes(self.folder / "target")
        self.effects += "" not in names


class Move(Copy):
    """A hierarchy gets another name."""

    def before(self, number: int) -> None:
        super().before(number)
        shutil.rmtree(self.folder / "moved", ignore_errors=True)
        shutil.copytree(self.folder / f"source{2 + number % 2}", self.folder / "target")

    def do(self, number: int) -> None:
        zarrite.move(self.folder / "target", self.folder / "moved")

    def check(self, number: int) -> None:
        here, there = (len(whole_nodes(self.folder / name)) for name in ("target", "moved"))
        assert {here, there} == {0, 6}, "in two places, or in none"
        self.effects += there > 0


class Attributes(Work):
    """Attributes of an array and of a group, of either format, are updated."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.places = []
        for zarr_format in (2, 3):
            group = zarrite.create_group(folder / f"attributes{zarr_format}", zarr_format=zarr_format)
            group.create_array("a", data=np.arange(10))
            self.places += [(f"attributes{zarr_format}", path) for path in ("", "a")]
        self.now: dict[Any, Any] = {place: {} for place in self.places}

    def do(self, number: int) -> None:
        for store, path in self.places:
            zarrite.open(self.folder / store, path=path, mode="r+").attrs.update({"number": number, "text": "x" * 5000})

    def check(self, number: int) -> None:
        for place in self.places:
            found = zarrite.open(self.folder / place[0], path=place[1], mode="r").attrs.asdict()
            assert found in (self.now[place], {"number": number, "text": "x" * 5000}), "half a document"
            self.effects += found != self.now[place]
            self.now[place] = found
        assert zarrite.open_array(self.folder / "attributes2", path="a", mode="r")[...].tolist() == list(range(10))


def whole_nodes(place: Path) -> set[str]:
    """The nodes that somebody sees who looks at every path; each has all its cells."""
    store, _ = zarrite.stores.resolve(str(place))
    keys = store.list("").result()
    assert not any(STRANGE in key for key in keys), "files of writers are listed"
    found = set()
    for path in ("", "a", "deep", "deep/b", "deep/er", "deep/er/c"):
        try:
            node = zarrite.open(store, path=path, mode="r")
        except FileNotFoundError:
            continue
        found.add(path)
        if isinstance(node, zarrite.Array):
            assert np.array_equal(node[...], np.arange(1, 65).reshape(8, 8)), f"{path}: a node without its chunks"
            assert node.attrs["of"] == path
    return found


WORKS: dict[str, type[Work]] = {
    "write": Write,
    "append": Append,
    "copy": Copy,
    "delete": Delete,
    "move": Move,
    "attributes": Attributes,
}


def child(do: Callable[[int], None], number: int) -> int:
    """Begins the work in a child."""
    process = os.fork()
    if process == 0:
        code = 1
        with contextlib.suppress(BaseException):
            do(number)
            code = 0
        os._exit(code)
    return process


def main(folder: Path, name: str, rounds: int, seed: int) -> None:
    """Kills children in the middle of their work and looks at what they left."""
    rng = random.Random(seed)
    work = WORKS[name](folder)
    # How long it takes when nobody disturbs, and that it works at all.
    slowest = 0.0
    for number in range(1, 4):
        work.before(number)
        began = time.perf_counter()
        assert os.waitpid(child(work.do, number), 0)[1] == 0
        slowest = max(slowest, time.perf_counter() - began)
        work.check(number)
    killed = 0
    work.effects = 0
    for number in range(4, 4 + rounds):
        work.before(number)
        process = child(work.do, number)
        time.sleep(rng.random() * slowest)
        os.kill(process, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(process, 0)[1])
        work.check(number)
    # Nobody is kept waiting by a lock of the dead, and everything still works.
    signal.alarm(60)
    for number in range(4 + rounds, 6 + rounds):
        work.before(number)
        work.do(number)
        work.check(number)
    left = list(folder.rglob(f"{STRANGE}*"))
    told = sum(
        finding.rule == "partial"
        for top in folder.iterdir()
        if any(top.rglob(f"{STRANGE}*"))
        for finding in checked(top)
    )
    tops = {file.relative_to(folder).parts[0] for file in left}
    assert told == len(tops), "check does not name what the dead left"
    print(json.dumps({"rounds": rounds, "killed": killed, "effects": work.effects, "left": len(left)}))


def checked(top: Path) -> tuple[Any, ...]:
    """What `check` finds."""
    findings: tuple[Any, ...] = zarrite.check(str(top)).findings
    return findings


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
