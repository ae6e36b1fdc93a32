"""dask on zarrite: the right cells from every scheduler, and whole objects a task."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal

import zarrite
from costs.counting import Ledger

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from zarrite.dask import _aligned_axis, from_array, to_zarr  # noqa: E402 -- only where dask is

CELLS = np.arange(45 * 37, dtype="i4").reshape(45, 37)
SCHEDULERS = pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
LAYOUTS: dict[str, dict[str, Any]] = {
    "chunks": {"chunks": (10, 8)},
    "shards": {"chunks": (5, 4), "shards": (20, 16)},
    "like the blocks": {},
}


@SCHEDULERS
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("align", [True, False])
def test_what_is_written_reads_the_same(tmp_path: Path, scheduler: str, layout: dict[str, Any], align: bool) -> None:
    with dask.config.set(scheduler=scheduler):
        array = to_zarr(da.from_array(CELLS, chunks=(7, 9)), tmp_path / "a", align=align, **layout)
        assert_array_equal(array[...], CELLS)
        assert_array_equal(from_array(tmp_path / "a").compute(), CELLS)


def test_aligned_blocks_put_each_object_once_and_read_none() -> None:
    ledger = Ledger()
    array = zarrite.create_array(ledger.store, shape=CELLS.shape, chunks=(5, 4), shards=(20, 16), dtype="i4")
    data = da.from_array(CELLS, chunks=(7, 9))
    requests = ledger.of(lambda: to_zarr(data, array))
    assert sorted(requests) == [("put", f"c/{i}/{j}") for i in range(3) for j in range(3)]


def test_a_region_is_aligned_where_it_lies(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(100,), chunks=10, dtype="i4", fill_value=-1)
    to_zarr(da.arange(60, chunks=7), array, region=(slice(25, 85),))
    assert_array_equal(array[25:85], np.arange(60))
    assert (array[:25] == -1).all()
    assert (array[85:] == -1).all()


def test_blocks_are_stored_objects_or_what_is_asked() -> None:
    array = zarrite.create_array(None, shape=(45, 37), chunks=(5, 4), shards=(20, 16), dtype="i4")
    assert from_array(array).chunks == ((20, 20, 5), (16, 16, 5))
    assert from_array(array, chunks=(9, -1)).chunks == ((9,) * 5, (37,))
    with dask.config.set({"array.chunk-size": "1kiB"}):
        assert from_array(array, chunks="auto").chunks[0] != ((45,))


def test_equal_work_has_one_name(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(4,), dtype="i4")
    again = zarrite.open_array(tmp_path / "a", mode="r+")
    assert from_array(array).name == from_array(again).name
    assert from_array(array).name != from_array(array, chunks=2).name
    assert from_array(pickle.loads(pickle.dumps(array))).name == from_array(array).name


def test_a_delayed_write_writes_when_it_is_computed(tmp_path: Path) -> None:
    later = to_zarr(da.ones(10, chunks=5), tmp_path / "a", compute=False)
    assert (zarrite.open_array(tmp_path / "a")[...] == 0).all()
    later.compute(scheduler="sync")
    assert (zarrite.open_array(tmp_path / "a")[...] == 1).all()


def test_mistakes_are_told(tmp_path: Path) -> None:
    array = zarrite.create_array(None, shape=(4,), dtype="i4")
    with pytest.raises(TypeError, match="shards: the array is there already"):
        to_zarr(da.ones(4), array, shards=(4,))
    with pytest.raises(ValueError, match="open it and pass it as store"):
        to_zarr(da.ones(4), tmp_path / "a", region=(slice(0, 4),))


def test_workers_of_a_cluster_write_and_read(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        array = to_zarr(da.from_array(CELLS, chunks=(7, 9)), tmp_path / "a", chunks=(5, 4), shards=(20, 16))
        assert_array_equal(from_array(array).compute(), CELLS)


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 7), st.integers(0, 20), st.integers(0, 9))
def test_aligned_blocks_end_where_objects_end(blocks: list[int], size: int, start: int, beyond: int) -> None:
    length = sum(blocks)
    total = start + length + beyond
    stored = [size] * (total // size) + ([total % size] if total % size else [])
    found = _aligned_axis(blocks, stored, start)
    assert sum(found) == length
    ends = np.cumsum(found)[:-1] + start
    assert (ends % size == 0).all()
