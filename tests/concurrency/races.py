"""What the races run: writers in threads, in forked and spawned processes, on a disk and on an S3 server.

`ZARRITE_RACES=1000` runs so many rounds of each race; without it, a few.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import zarrite
from concurrency.arrays import together

ROUNDS = int(os.environ.get("ZARRITE_RACES", "12"))
CELLS = 64
"""Cells of the object that writers share."""

KEPT = 4 if ROUNDS < 100 else 100
"""One attribute in so many stays: documents shall not grow without end."""

LAYOUTS: dict[str, dict[str, Any]] = {
    "one chunk": {"chunks": (CELLS,)},
    "one shard": {"chunks": (4,), "shards": (CELLS,)},
}


class Place(NamedTuple):
    """Where an array is, as another process can be told."""

    store: Any
    options: dict[str, Any] | None = None

    def open(self, **settings: Any) -> Any:
        """The array, opened anew."""
        return zarrite.open_array(self.store, mode="r+", storage_options=self.options, **settings)

    def make(self, **settings: Any) -> Any:
        """A fresh array."""
        return zarrite.create_array(self.store, overwrite=True, storage_options=self.options, **settings)


def on_disk(folder: Path) -> Place:
    """A folder."""
    return Place(str(folder / "array"))


def on_server(server: Any, name: str = "array") -> Place:
    """A bucket of a server of this machine."""
    options = {"endpoint_url": server.url, "key": "key", "secret": "secret"}
    return Place(f"s3://{server.bucket}/{name}", options)


# ---------------------------------------------------------------- what a writer does


def write_cells(place: Place, me: int, writers: int, rounds: int) -> None:
    """Writes every cell that is this writer's, cell by cell or some at a time, again and again."""
    array = place.open()
    for number in range(1, rounds + 1):
        if number % 3:
            array[me::writers] = number
        else:
            width = CELLS // writers
            own = np.arange(me, CELLS, writers)
            array.oindex[own[: width // 2]] = number
            array.oindex[own[width // 2 :]] = number


def check_cells(place: Place, rounds: int) -> None:
    """Every cell holds what its writer wrote last."""
    np.testing.assert_array_equal(place.open()[...], np.full(CELLS, rounds))


def write_attributes(place: Place, me: int, writers: int, rounds: int) -> None:
    """Sets, changes and deletes attributes."""
    array = place.open()
    for number in range(rounds):
        array.attrs[f"{me}"] = number
        if number % KEPT == 1:
            array.attrs.update({f"{me}.kept.{number}": me, f"{me}.gone": number})
            del array.attrs[f"{me}.gone"]


def check_attributes(place: Place, writers: int, rounds: int) -> None:
    """Every writer's attributes are there, and those that were deleted are not."""
    wanted: dict[str, int] = {}
    for me in range(writers):
        wanted[f"{me}"] = rounds - 1
        wanted.update({f"{me}.kept.{number}": me for number in range(rounds) if number % KEPT == 1})
    assert place.open().attrs.asdict() == wanted


def append_rows(place: Place, me: int, writers: int, rounds: int) -> None:
    """Appends blocks of some lengths, each cell of which says whose and which it is."""
    array = place.open()
    for number in range(rounds):
        array.append(np.full(1 + (me + number) % 3, me * 1_000_000 + number))


def check_rows(place: Place, writers: int, rounds: int) -> None:
    """Every block is there once, in one piece, and nothing else."""
    cells = place.open()[...]
    starts = [0, *(np.flatnonzero(np.diff(cells)) + 1)]
    blocks = [(int(cells[start]), stop - start) for start, stop in zip(starts, [*starts[1:], len(cells)], strict=True)]
    wanted = [(me * 1_000_000 + number, 1 + (me + number) % 3) for me in range(writers) for number in range(rounds)]
    assert sorted((value, int(count)) for value, count in blocks) == sorted(wanted)
    for me in range(writers):
        own = [value for value, _ in blocks if value // 1_000_000 == me]
        assert own == sorted(own), "the blocks of one writer keep their order"


# ---------------------------------------------------------------- who does it


def in_threads(work: Callable[..., None], place: Place, writers: int, rounds: int) -> None:
    """Threads of this process, each with a handle of its own."""
    works = (functools.partial(work, place, me, writers, rounds) for me in range(writers))
    together(*works, timeout_s=60 + 2 * rounds)


def in_processes(method: str, work: Callable[..., None], place: Place, writers: int, rounds: int) -> None:
    """Processes, begun by "fork" or "spawn"."""
    context = multiprocessing.get_context(method)
    processes = [
        context.Process(target=work, args=(place, me, writers, rounds), daemon=True)  # type: ignore[attr-defined]
        for me in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60 + 2 * rounds)
        alive = process.is_alive()
        if alive:
            process.kill()
        assert not alive, "a process waits for ever"
        assert process.exitcode == 0
