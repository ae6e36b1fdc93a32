"""Races: many writers of one object, one document, one axis; nothing is lost.

CI runs a few rounds of each. `ZARRITE_RACES=1000` runs as many as the promise was shown with.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from concurrency import races
from concurrency.races import CELLS, LAYOUTS, ROUNDS, Place, in_processes, in_threads, on_disk, on_server
from servers.s3 import Server
from zarrite.storage import MemoryStore

Runner = Callable[[Callable[..., None], Place, int, int], None]

METHODS = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]
WHO: dict[str, tuple[int, Runner]] = {
    "16 threads": (16, in_threads),
    **{f"4 processes, {method}": (4, functools.partial(in_processes, method)) for method in METHODS},
}


@pytest.fixture(params=["disk", "memory", "server"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Where the array is."""
    if request.param == "disk":
        return on_disk(tmp_path)
    if request.param == "memory":
        return Place(MemoryStore())
    return on_server(request.getfixturevalue("s3"))


def race(who: str, where: Place, work: Callable[..., None]) -> int:
    """Runs a race; says how many writers there were."""
    writers, run = WHO[who]
    if isinstance(where.store, zarrite._engine.Store) and "processes" in who:
        pytest.skip("memory is one process's")
    if where.options and "fork" in who:
        pytest.skip("machines do not fork: two that are spawned stand for them")
    if where.options and "processes" in who:
        writers = 2
    run(work, where, writers, ROUNDS)
    return writers


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("who", WHO)
def test_writers_of_parts_of_one_object_lose_nothing(where: Place, who: str, layout: str) -> None:
    where.make(shape=(CELLS,), dtype="i4", **LAYOUTS[layout])
    race(who, where, races.write_cells)
    races.check_cells(where, ROUNDS)


@pytest.mark.parametrize("zarr_format", [3, 2])
@pytest.mark.parametrize("who", WHO)
def test_writers_of_attributes_lose_nothing(where: Place, who: str, zarr_format: int) -> None:
    where.make(shape=(CELLS,), dtype="i4", zarr_format=zarr_format)
    writers = race(who, where, races.write_attributes)
    races.check_attributes(where, writers, ROUNDS)


@pytest.mark.parametrize("layout", [{"chunks": (1,)}, {"chunks": (5,)}, {"chunks": (2,), "shards": (32,)}], ids=str)
@pytest.mark.parametrize("who", WHO)
def test_every_appended_block_is_there_once_and_in_one_piece(where: Place, who: str, layout: dict[str, Any]) -> None:
    where.make(shape=(0,), dtype="i8", fill_value=-1, **layout)
    writers = race(who, where, races.append_rows)
    races.check_rows(where, writers, ROUNDS)


def test_an_append_that_died_is_overwritten_by_the_next(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from zarrite import claims

    monkeypatch.setattr(claims, "PATIENCE_S", 0.1)
    where = on_server(s3)
    array = where.make(shape=(0,), chunks=(4,), dtype="i8")
    array.append(np.arange(6))
    # What one leaves that dies between its chunks and the shape: rows in the last chunk, a chunk, and its claim.
    ghost = where.open()
    ghost.append(np.full(9, 77))
    keys = list(s3.keys())
    left = {key: s3.read(key) for key in keys if "/c/" in key}
    document = next(key for key in keys if key.endswith("zarr.json"))
    array.resize((6,))
    for key, value in left.items():
        s3.write(key, value)
    s3.write(document, s3.read(document).rstrip() + b" \t" * 32)
    other = where.open()
    other.append(np.arange(6, 11))
    np.testing.assert_array_equal(where.open()[...], np.arange(11))
    assert not s3.read(document).endswith(b" \t")


def test_a_stale_handle_does_not_undo_what_another_appended(where: Place) -> None:
    for layout in ({"chunks": (8,)}, {"chunks": (2,), "shards": (8,)}):
        array = where.make(shape=(5,), dtype="i4", **layout)
        array[...] = 1
        stale = where.open()
        array.append([2, 2])
        stale[3] = 4
        stale[...] = [5, 6, 7, 8, 9]
        np.testing.assert_array_equal(where.open()[...], [5, 6, 7, 8, 9, 2, 2])


def test_a_deleted_node_is_not_made_again_by_who_still_changes_it(where: Place) -> None:
    array = where.make(shape=(5,), dtype="i4")
    stale = where.open()
    zarrite.open_group(where.store, mode="w", storage_options=where.options)
    for change in (lambda: stale.attrs.update(a=1), lambda: stale.resize(7), lambda: stale.append([1])):
        with pytest.raises(zarrite.errors.ArrayNotFoundError):
            change()
    del array


def test_blocks_that_dask_stores_into_parts_of_shards_are_all_there(tmp_path: Path) -> None:
    dask_array = pytest.importorskip("dask.array")
    cells = np.arange(96 * 96, dtype="i4").reshape(96, 96) + 1
    array = zarrite.create_array(tmp_path / "a", shape=cells.shape, chunks=(8, 8), shards=(48, 48), dtype="i4")
    for scheduler in ("threads", "processes"):
        array[...] = 0
        blocks = dask_array.from_array(cells, chunks=(8, 24))
        dask_array.store(blocks, array, lock=False, scheduler=scheduler, num_workers=4)
        np.testing.assert_array_equal(array[...], cells)
