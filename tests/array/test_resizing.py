"""Growing, shrinking, appending."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal

import reference
import selecting
import zarrite
from zarrite import _engine


@given(st.data())
def test_what_a_smaller_shape_cut_off_is_fill_value_when_it_grows_again(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes().filter(len))
    chunks = data.draw(selecting.chunk_shapes(shape))
    shards = tuple(2 * edge for edge in chunks) if data.draw(st.booleans()) else None
    cells = selecting.cells_of("<i4", shape, seed=1)
    array = zarrite.create_array(None, shape=shape, dtype="<i4", chunks=chunks, shards=shards, fill_value=-5)
    array[...] = cells
    for _ in range(3):
        shape = tuple(data.draw(st.integers(0, 9)) for _ in shape)
        array.resize(shape)
        cells = reference.resized(cells, shape, -5)
        assert array.shape == shape
        assert_array_equal(array[...], cells)
        assert_array_equal(zarrite.open_array(array.store)[...], cells)


def test_chunks_outside_a_smaller_shape_are_deleted() -> None:
    array = zarrite.array(np.arange(100), chunks=10)
    array.resize(25)
    assert array.store.list("c").result() == ["c/0", "c/1", "c/2"]
    assert array.nchunks_initialized == 3


def test_shrinking_an_array_of_a_million_chunks_deletes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    array = zarrite.create_array(None, shape=(10**7,), chunks=10, dtype="u1")
    array[:: 10**6] = 1
    array.resize(10**6 + 1)
    assert array.store.list("c").result() == ["c/0", "c/100000"]
    array.resize(10**7)
    assert np.flatnonzero(array[:]).tolist() == [0, 10**6]


def test_an_array_that_stores_empty_chunks_gets_none_from_shrinking() -> None:
    array = zarrite.create_array(None, shape=(10,), chunks=4, dtype="u1", config={"write_empty_chunks": True})
    array[0:4] = 1
    array.resize(7)
    assert array.store.list("c").result() == ["c/0"]


def test_resizing_takes_an_integer_for_one_axis() -> None:
    array = zarrite.zeros((3,))
    array.resize(5)
    assert array.shape == (5,)


@pytest.mark.parametrize("shape", [(1,), (1, 2, 3), (-1, 2), (1.5, 2), (True, 2)])
def test_a_shape_that_cannot_be_is_refused(shape: Any) -> None:
    array = zarrite.zeros((3, 3))
    with pytest.raises(ValueError, match="new shape"):
        array.resize(shape)
    assert array.shape == (3, 3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_appending_adds_cells_at_the_end_of_an_axis(axis: int) -> None:
    cells = np.arange(12).reshape(3, 4)
    array = zarrite.array(cells, chunks=(2, 3))
    more = 100 + np.arange(12).reshape(3, 4)
    assert array.append(more, axis=axis) == np.concatenate([cells, more], axis=axis).shape
    assert_array_equal(array[...], np.concatenate([cells, more], axis=axis))


def test_an_append_writes_its_cells_before_it_publishes_the_shape() -> None:
    store = _engine.recorded_store(_engine.memory_store())
    array = zarrite.create_array(store, shape=(0,), chunks=5, dtype="i4")
    _engine.recorded(store)
    array.append(np.arange(10))
    done = [(verb, key) for verb, key, _, _ in _engine.recorded(store)]
    assert done[-1] == ("put", "zarr.json")
    assert {key for verb, key in done[:-1] if verb == "put"} == {"c/0", "c/1"}


def test_an_append_that_fails_leaves_the_array_as_it_was() -> None:
    array = zarrite.array(np.arange(3), chunks=2)
    with pytest.raises(ValueError, match="cannot be appended along axis 0"):
        array.append(np.zeros((2, 2)))
    with pytest.raises(IndexError, match="axis 1 cannot grow"):
        array.append([1], axis=1)
    assert array.shape == (3,)
    assert zarrite.open_array(array.store).shape == (3,)


@pytest.mark.parametrize("handles", ["one", "several"])
def test_threads_that_append_do_not_overwrite_each_other(handles: str) -> None:
    array = zarrite.create_array(None, shape=(0, 2), chunks=(7, 2), dtype="i4")
    each = [array if handles == "one" else zarrite.open_array(array.store) for _ in range(8)]

    def fill(number: int) -> None:
        for at in range(10):
            each[number].append(np.full((3, 2), 100 * number + at))

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cells = zarrite.open_array(array.store)[...]
    assert cells.shape == (240, 2)
    numbers, counts = np.unique(cells, return_counts=True)
    assert numbers.tolist() == sorted(100 * number + at for number in range(8) for at in range(10))
    assert set(counts.tolist()) == {6}
    rows = cells[:, 0].reshape(-1, 3)
    assert (rows == rows[:, :1]).all()


def test_a_second_handle_appends_behind_what_the_first_appended() -> None:
    first = zarrite.create_array(None, shape=(0,), chunks=4, dtype="i4")
    second = zarrite.open_array(first.store)
    first.append([1, 2, 3])
    second.attrs["units"] = "K"
    second.append([4])
    assert second[:].tolist() == [1, 2, 3, 4]
    assert zarrite.open_array(first.store).attrs["units"] == "K"


def test_handles_opened_by_different_ways_to_one_place_know_each_other(tmp_path: Path) -> None:
    first = zarrite.create_group(tmp_path / "g").create_array("a", shape=(0,), chunks=4, dtype="i4")
    second = zarrite.open_array(tmp_path / "g" / "a")
    assert first == second
    first.append([1, 2])
    second.append([3])
    assert second[:].tolist() == [1, 2, 3]
