"""Reading and writing by every kind of brackets, against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

import reference
import selecting
import zarrite


@st.composite
def arrays(draw: st.DrawFn, least: int = 0) -> tuple[zarrite.Array, NDArray[Any]]:
    """An array in memory, in any layout, with the same cells as NumPy has them."""
    shape = draw(selecting.shapes(least=least))
    chunks = draw(selecting.chunk_shapes(shape))
    shards = tuple(edge * draw(st.integers(1, 2)) for edge in chunks) if shape and draw(st.booleans()) else None
    cells = selecting.cells_of(draw(st.sampled_from(selecting.DTYPES)), shape)
    zarr_format = 2 if shards is None and draw(st.booleans()) else 3
    array = zarrite.create_array(
        None,
        shape=shape,
        dtype=cells.dtype,
        chunks=chunks or "auto",
        shards=shards,
        compressors=draw(st.sampled_from(("auto", None))),
        zarr_format=zarr_format,
        order=draw(st.sampled_from(("C", "F"))),
    )
    array[...] = cells
    return array, cells.astype(array.dtype)


@given(st.data())
def test_basic_keys_read_what_numpy_reads(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.basic_keys(array.shape))
    assert_same(array[key], cells[key])
    assert_same(array.get_basic_selection(key), cells[key])


def assert_same(got: Any, expected: Any) -> None:
    """The same cells, in the same shape and type, and a scalar where NumPy has one."""
    assert isinstance(got, np.ndarray) == isinstance(expected, np.ndarray)
    assert np.shape(got) == np.shape(expected)
    assert_array_equal(got, expected)


@given(st.data())
def test_oindex_reads_along_each_axis(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.orthogonal_keys(array.shape))
    assert_array_equal(array.oindex[key], reference.orthogonal(cells, key))


@given(st.data())
def test_vindex_reads_single_cells(data: st.DataObject) -> None:
    array, cells = data.draw(arrays(least=1).filter(lambda pair: pair[0].ndim > 0))
    key = data.draw(selecting.coordinate_keys(array.shape))
    assert_array_equal(array.vindex[key], reference.coordinates(cells, key))


@given(st.data())
def test_masks_read_in_c_order(data: st.DataObject) -> None:
    array, cells = data.draw(arrays().filter(lambda pair: pair[0].ndim > 0))
    chosen = data.draw(selecting.masks(array.shape))
    for got in (array[chosen], array.vindex[chosen], array.oindex[chosen], array.get_mask_selection(chosen)):
        assert_array_equal(got, cells[chosen])


@given(st.data())
def test_blocks_read_stored_objects(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.block_keys(array.shape, array.write_chunks))
    assert_array_equal(array.blocks[key], reference.blocks(cells, key, array.write_chunks))


@given(st.data())
def test_several_index_arrays_read_as_numpy_reads_them(data: st.DataObject) -> None:
    array, cells = data.draw(arrays(least=1).filter(lambda pair: pair[0].ndim > 1))
    key = data.draw(selecting.mixed_keys(array.shape))
    assert_array_equal(array[key], cells[key])


@given(st.data())
def test_basic_keys_write_what_numpy_writes(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.basic_keys(array.shape))
    values = selecting.cells_of(cells.dtype.str, np.shape(cells[key]), seed=data.draw(st.integers(1, 99)))
    array[key] = values
    cells[key] = values
    assert_array_equal(array[...], cells)


@given(st.data())
def test_values_are_broadcast_as_numpy_does(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.basic_keys(array.shape))
    shape = np.shape(cells[key])
    narrow = tuple(1 if data.draw(st.booleans()) else length for length in shape)
    values = selecting.cells_of(cells.dtype.str, narrow[data.draw(st.integers(0, len(narrow))) :], seed=3)
    if values.size:
        try:
            np.broadcast_to(values, shape)
        except ValueError:
            with pytest.raises(ValueError, match="cannot fill"):
                array[key] = values
            return
    array[key] = values
    cells[key] = values
    assert_array_equal(array[...], cells)


@given(st.data())
def test_oindex_writes_along_each_axis(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.orthogonal_keys(array.shape))
    array.oindex[key] = one = selecting.cells_of(cells.dtype.str, (1,), seed=99)[0]
    axes = [np.arange(n)[[k] if isinstance(k, int) else k] for n, k in zip(cells.shape, key, strict=True)]
    if axes:
        cells[np.ix_(*axes)] = one
    else:
        cells[...] = one
    assert_array_equal(array[...], cells)


@given(st.data())
def test_vindex_writes_single_cells(data: st.DataObject) -> None:
    array, cells = data.draw(arrays(least=1).filter(lambda pair: pair[0].ndim > 0))
    key = data.draw(selecting.coordinate_keys(array.shape))
    array.vindex[key] = one = selecting.cells_of(cells.dtype.str, (1,), seed=99)[0]
    cells[key] = one
    assert_array_equal(array[...], cells)


def test_of_values_for_one_cell_the_last_stays() -> None:
    array = zarrite.zeros((6,), chunks=2, dtype="i4")
    array.vindex[[1, 5, 1, 1]] = [1, 2, 3, 4]
    assert array[:].tolist() == [0, 4, 0, 0, 0, 2]
    array.oindex[[0, 0]] = [7, 8]
    assert array[0] == 8


@given(st.data())
def test_masks_write_in_c_order(data: st.DataObject) -> None:
    array, cells = data.draw(arrays().filter(lambda pair: pair[0].ndim > 0))
    chosen = data.draw(selecting.masks(array.shape))
    values = selecting.cells_of(cells.dtype.str, (int(chosen.sum()),), seed=42)
    array[chosen] = values
    cells[chosen] = values
    assert_array_equal(array[...], cells)


@given(st.data())
def test_blocks_write_stored_objects(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.block_keys(array.shape, array.write_chunks))
    expected = reference.blocks(cells, key, array.write_chunks)
    array.blocks[key] = values = selecting.cells_of(cells.dtype.str, expected.shape, seed=5)
    assert_array_equal(array.blocks[key], values)


LAYOUTS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda cells: np.repeat(cells, 2, axis=-1)[..., ::2],
    "backwards": lambda cells: np.ascontiguousarray(cells[..., ::-1])[..., ::-1],
    "of the other byte order": lambda cells: cells.astype(cells.dtype.newbyteorder()),
    "of a wider type": lambda cells: cells.astype("i8"),
    "broadcast": lambda cells: np.broadcast_to(cells[:1], cells.shape),
    "read-only": lambda cells: np.frombuffer(cells.tobytes(), cells.dtype).reshape(cells.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("key", [..., (slice(1, 6), slice(None, None, 2)), (slice(None), slice(3, 8))])
def test_values_of_every_memory_layout_arrive(layout: str, key: Any) -> None:
    array = zarrite.zeros((7, 8), chunks=(3, 4), dtype="i4")
    expected = np.zeros((7, 8), dtype="i4")
    values = LAYOUTS[layout](np.arange(1, 57, dtype="i4").reshape(7, 8)[key])
    array[key] = values
    expected[key] = values
    assert_array_equal(array[...], expected)


def test_an_integer_key_gives_a_numpy_scalar() -> None:
    array = zarrite.array(np.arange(4, dtype="f4"))
    assert type(array[2]) is np.float32
    assert type(array[np.int8(-1)]) is np.float32
    assert type(array.oindex[2]) is np.float32
    assert type(zarrite.array(np.int16(5))[()]) is np.int16


def test_an_ellipsis_gives_an_array_as_in_numpy() -> None:
    got = zarrite.array(np.int16(5))[...]
    assert isinstance(got, np.ndarray)
    assert got.shape == ()


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((2, 3)), [1, 2]])
def test_values_that_do_not_fit_are_refused_and_nothing_is_written(values: Any) -> None:
    array = zarrite.full((6,), 7, chunks=2)
    with pytest.raises(ValueError, match="cannot fill a selection of shape"):
        array[0:3] = values
    assert array[:].tolist() == [7] * 6


def test_text_for_numbers_is_refused() -> None:
    array = zarrite.zeros((3,), dtype="i4")
    with pytest.raises(ValueError, match="invalid literal"):
        array[0] = "x"


def test_a_number_that_does_not_fit_its_type_is_refused() -> None:
    array = zarrite.zeros((3,), dtype="u1")
    with pytest.raises(OverflowError):
        array[0] = 300


@pytest.mark.parametrize("order", ["C", "F"])
def test_results_have_the_memory_order_of_the_handle(order: str) -> None:
    array = zarrite.array(np.arange(12).reshape(3, 4), config={"order": order})
    for got in (array[...], array[1:], array.oindex[[0, 1]]):
        assert got.flags["F_CONTIGUOUS" if order == "F" else "C_CONTIGUOUS"]
    assert_array_equal(array[1:, ::2], np.arange(12).reshape(3, 4)[1:, ::2])


def test_strings_of_any_length_are_read_and_written_by_every_kind_of_key() -> None:
    words = np.array(["", "a", "zwölf", "語", "x" * 100, "end"], dtype=np.dtypes.StringDType())
    array = zarrite.create_array(None, shape=(2, 3), dtype=str, chunks=(1, 2))
    array[...] = words.reshape(2, 3)
    assert_array_equal(array[...], words.reshape(2, 3))
    assert array[1, 1] == "x" * 100
    assert array[:, ::-1].tolist() == words.reshape(2, 3)[:, ::-1].tolist()
    assert array.vindex[[0, 1], [2, 0]].tolist() == ["zwölf", "語"]
    array[0, 0] = "first"
    array.oindex[1, [0, 2]] = ["p", "q"]
    assert array[...].tolist() == [["first", "a", "zwölf"], ["p", "x" * 100, "q"]]


def test_bytes_of_any_length_come_back_as_bytes() -> None:
    array = zarrite.create_array(None, shape=(3,), dtype="variable_length_bytes", chunks=2)
    array[...] = [b"a", b"", b"\0\xff"]
    assert array[:].tolist() == [b"a", b"", b"\0\xff"]
    array[1] = b"one cell"
    assert array[1] == b"one cell"
