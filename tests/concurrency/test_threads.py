"""Threads that share chunks and shards lose nothing and see nothing half done."""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from concurrency.arrays import LAYOUTS, PLACES, place, together
from zarrite.storage import MemoryStore

WRITERS = 16
ROUNDS = 1000


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sixteen_threads_writing_disjoint_cells_of_one_object_lose_nothing(
    tmp_path: Path, where: str, layout: str
) -> None:
    rounds = ROUNDS if layout in ("one chunk", "one shard") and where == "local" else ROUNDS // 5
    store = place(where, tmp_path)
    array = zarrite.create_array(store, shape=(160,), dtype="i4", **LAYOUTS[layout])

    def write(me: int) -> None:
        mine = zarrite.open_array(store, mode="r+")
        cells = slice(10 * me, 10 * me + 10)
        for number in range(1, rounds + 1):
            mine[cells] = number
            if number % 50 == 0:
                assert (mine[cells] == number).all(), "a write of this thread is gone"

    together(*(functools.partial(write, me) for me in range(WRITERS)))
    assert (array[...] == rounds).all()


@pytest.mark.parametrize("layout", ["one chunk", "one shard"])
def test_every_way_to_write_takes_turns_with_every_other(tmp_path: Path, layout: str) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(160,), dtype="i4", **LAYOUTS[layout])
    ways: list[Any] = [
        lambda cells, n: array.write(slice(cells[0], cells[-1] + 1), n),
        lambda cells, n: array.write(slice(cells[-1], cells[0] - 1 if cells[0] else None, -1), np.full(10, n)),
        array.set_orthogonal_selection,
        lambda cells, n: array.set_coordinate_selection(cells, np.full(10, n, "i4")),
        lambda cells, n: array.set_mask_selection(np.isin(np.arange(160), cells), n),
        lambda cells, n: [array.write(int(cell), n) for cell in cells],
    ]

    def write(me: int) -> None:
        cells = np.arange(10 * me, 10 * me + 10)
        for number in range(1, 101):
            ways[me % len(ways)](cells, number)

    together(*(functools.partial(write, me) for me in range(WRITERS)))
    assert (array[...] == 100).all()


@pytest.mark.skipif(os.name != "posix", reason="a second way to the same files is a link")
@pytest.mark.parametrize("layout", ["one chunk", "one shard"])
def test_handles_that_came_by_other_ways_share_the_lock(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "root"
    zarrite.create_array(root, name="g/x", shape=(160,), dtype="i4", **LAYOUTS[layout])
    (tmp_path / "link").symlink_to(root)
    ways = [
        zarrite.open_group(root, mode="r+")["g/x"],
        zarrite.open_array(root / "g" / "x", mode="r+"),
        zarrite.open_array(f"file://{root}", path="g/x", mode="r+"),
        zarrite.open_array(tmp_path / "link", path="g/x", mode="r+"),
        zarrite.open_array(os.path.relpath(root / "g" / "x"), mode="r+"),
    ]

    def write(me: int) -> None:
        for number in range(1, 301):
            ways[me][10 * me : 10 * me + 10] = number

    together(*(functools.partial(write, me) for me in range(len(ways))))
    assert (ways[0][: 10 * len(ways)] == 300).all()


@pytest.mark.parametrize("layout", ["one chunk", "one shard"])
def test_fields_written_by_different_threads_are_both_kept(layout: str) -> None:
    dtype = [(f"f{number}", "i4") for number in range(8)]
    array = zarrite.create_array(MemoryStore(), shape=(160,), dtype=dtype, **LAYOUTS[layout])

    def write(me: int) -> None:
        for number in range(1, 101):
            array[f"f{me}"] = number

    together(*(functools.partial(write, me) for me in range(8)))
    cells = array[...]
    assert all((cells[f"f{number}"] == 100).all() for number in range(8))


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    "settings",
    [
        {"chunks": (20_000,), "compressors": None},
        {"chunks": (20_000,)},
        {"chunks": (500,), "shards": (20_000,)},
        {"chunks": (10_000,), "shards": (20_000,), "compressors": None},
    ],
    ids=["plain chunk", "chunk", "shard", "plain shard"],
)
def test_readers_see_the_old_or_the_new_object_and_never_a_mixture(
    tmp_path: Path, where: str, settings: dict[str, Any]
) -> None:
    store = place(where, tmp_path)
    array = zarrite.create_array(store, shape=(20_000,), dtype="i4", **settings)
    array[...] = 1
    done = threading.Event()
    seen: set[int] = set()

    def write() -> None:
        try:
            for number in range(2, 3000):
                array[...] = number
                if len(seen) >= 5:  # the readers met the writer
                    break
        finally:
            done.set()

    def read() -> None:
        mine = zarrite.open_array(store, mode="r")
        last = 1
        while not done.is_set():
            cells = mine[...]
            assert cells.min() == cells.max(), "part of it is of another write"
            assert cells[0] >= last, "time ran backwards"
            last = int(cells[0])
            seen.add(last)
            assert mine[12_345] >= last

    together(write, read, read, read)
    assert len(seen) >= 5


def test_readers_of_a_shard_survive_writers_of_its_chunks(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(1600,), chunks=(10,), shards=(1600,), dtype="i4")
    array[...] = np.repeat(np.arange(160), 10)
    done = threading.Event()

    def write(me: int) -> None:
        numbers = np.random.default_rng(me)
        for _ in range(150):
            chunk = int(numbers.integers(0, 40)) * 4 + me
            # Chunks of other lengths move all that come after them.
            array[chunk * 10 : chunk * 10 + 10] = chunk + 1000 * numbers.integers(0, 2**20, 10)

    def writers() -> None:
        try:
            together(*(functools.partial(write, me) for me in range(4)))
        finally:
            done.set()

    def read() -> None:
        mine = zarrite.open_array(tmp_path / "a", mode="r")
        while not done.is_set():
            cells = mine[...]
            np.testing.assert_array_equal(cells % 1000, np.repeat(np.arange(160), 10))
            assert mine[777] % 1000 == 77

    together(writers, read, read)


def test_appends_of_threads_all_arrive() -> None:
    array = zarrite.create_array(None, shape=(0, 3), chunks=(7, 3), dtype="i8")

    def append(me: int) -> None:
        for number in range(40):
            array.append(np.full((3, 3), me * 100 + number))

    together(*(functools.partial(append, me) for me in range(8)))
    assert array.shape == (8 * 40 * 3, 3)
    rows = array[...]
    wanted = sorted(me * 100 + number for me in range(8) for number in range(40))
    assert sorted(rows[::3, 0].tolist()) == wanted
    assert (rows == rows[:, :1]).all()


def test_attributes_of_threads_all_arrive(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(4,), chunks=(2,), dtype="i4")

    def write(me: int) -> None:
        for number in range(25):
            array.attrs[f"{me}.{number}"] = number

    together(*(functools.partial(write, me) for me in range(8)))
    assert len(zarrite.open_array(tmp_path / "a", mode="r").attrs) == 200


def test_many_threads_open_create_and_read_at_once(tmp_path: Path) -> None:
    group = zarrite.create_group(tmp_path / "g")

    def work(me: int) -> None:
        for number in range(20):
            array = group.create_array(f"{me}/{number}", shape=(50,), chunks=(7,), dtype="i4")
            array[...] = me
            assert (group[f"{me}/{number}"][...] == me).all()

    together(*(functools.partial(work, me) for me in range(8)))
    assert sum(len(list(inner.arrays())) for _, inner in group.groups()) == 160


def test_threads_that_share_one_handle_and_large_chunks_agree(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 9, (64, 300, 300)).astype("f4")
    array = zarrite.create_array(tmp_path / "a", shape=cells.shape, chunks=(16, 300, 300), dtype="f4")
    array[...] = cells

    def read(me: int) -> None:
        for number in range(4):
            first = (me * 7 + number) % 40
            np.testing.assert_array_equal(array[first : first + 20], cells[first : first + 20])
            np.testing.assert_array_equal(array[:, me, number], cells[:, me, number])

    together(*(functools.partial(read, me) for me in range(8)))


def test_the_number_of_threads_and_the_budget_may_change_meanwhile() -> None:
    from zarrite import _engine

    before = _engine.configure()
    array = zarrite.create_array(None, shape=(200, 1000), chunks=(1, 1000), dtype="f8")
    array[...] = 1

    def change() -> None:
        for number in range(40):
            _engine.configure(threads=number % 5 + 1, memory_bytes=(1 + number % 3) << 20)

    def work() -> None:
        for _ in range(10):
            assert (array[...] == 1).all()
            array[...] = 1

    try:
        together(change, work, work)
    finally:
        _engine.configure(threads=before["threads"], memory_bytes=before["memory_bytes"])
