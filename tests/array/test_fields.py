"""Fields of structured cells, read and written alone."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite.errors import ArrayIndexError

KIND = np.dtype([("x", "f4"), ("n", "i2"), ("tag", "S3")])
CELLS = np.array([(0.5 * at, at, str(at)) for at in range(10)], dtype=KIND)


@pytest.fixture(params=[2, 3])
def array(request: pytest.FixtureRequest) -> zarrite.Array:
    array = zarrite.create_array(None, shape=(10,), chunks=4, dtype=KIND, zarr_format=request.param)
    array[...] = CELLS
    return array


def test_whole_cells_come_back(array: zarrite.Array) -> None:
    assert_array_equal(array[:], CELLS)
    assert array[3] == CELLS[3]


@pytest.mark.parametrize("key", [..., 3, slice(2, 7), slice(None, None, -2), [1, 9, 1]])
def test_one_field_is_an_array_of_its_type(array: zarrite.Array, key: Any) -> None:
    got = array["n", key]
    assert_array_equal(got, CELLS["n"][key])
    assert got.dtype == np.dtype("i2")
    assert array["n"].flags.owndata


def test_several_fields_are_a_structure_without_gaps(array: zarrite.Array) -> None:
    got = array[["tag", "x"]]
    assert got.dtype == np.dtype([("tag", "S3"), ("x", "f4")])
    assert_array_equal(got["x"], CELLS["x"])
    assert array["tag", "x", 2].tolist() == (b"2", 1.0)


def test_fields_are_chosen_by_every_kind_of_selection(array: zarrite.Array) -> None:
    assert array.oindex["n", [5, 2]].tolist() == [5, 2]
    assert array.vindex["n", [5, 2]].tolist() == [5, 2]
    assert array.blocks["n", 1].tolist() == [4, 5, 6, 7]
    assert array.get_basic_selection(slice(2), fields="n").tolist() == [0, 1]
    assert array.get_mask_selection(CELLS["n"] > 7, fields=["n"])["n"].tolist() == [8, 9]


def test_writing_one_field_leaves_the_others(array: zarrite.Array) -> None:
    array["n"] = 7
    array["x", 2:4] = [10, 11]
    expected = CELLS.copy()
    expected["n"] = 7
    expected["x"][2:4] = [10, 11]
    assert_array_equal(array[:], expected)


def test_writing_several_fields_takes_a_structure(array: zarrite.Array) -> None:
    array[["x", "n"], 0] = np.array((8.5, 9), dtype=[("x", "f8"), ("n", "i8")])
    assert array[0].tolist() == (8.5, 9, b"0")


def test_fields_are_read_into_out(array: zarrite.Array) -> None:
    out = np.empty(3, dtype="i2")
    assert array.read(("n", slice(3)), out=out) is out
    assert out.tolist() == [0, 1, 2]


def test_threads_that_write_different_fields_lose_nothing(array: zarrite.Array) -> None:
    def fill(name: str, value: Any) -> None:
        for at in range(10):
            array[name, at] = value

    threads = [threading.Thread(target=fill, args=pair) for pair in (("x", 5), ("n", 6), ("tag", b"abc"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert array[:].tolist() == [(5.0, 6, b"abc")] * 10


def test_an_unknown_field_is_named(array: zarrite.Array) -> None:
    with pytest.raises(ArrayIndexError, match="no field 'q'; known: x, n, tag"):
        array["q"]
    with pytest.raises(ArrayIndexError, match="no field 'q'"):
        array["q", 0] = 1
    with pytest.raises(ArrayIndexError, match="have no fields"):
        zarrite.zeros((3,))["x"]


def test_a_whole_cell_is_written_from_a_tuple(array: zarrite.Array) -> None:
    array[4] = (1.5, -1, b"z")
    assert array[4].tolist() == (1.5, -1, b"z")
