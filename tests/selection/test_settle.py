"""`zarrite.selection`: settled keys choose what NumPy chooses, and wrong keys say why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

import reference
import selecting
from zarrite import fields, selection
from zarrite.errors import ArrayIndexError, BoundsCheckError, VindexInvalidSelectionError
from zarrite.model.grids import RegularGrid
from zarrite.selection import Box, Points


def applied(cells: NDArray[Any], chosen: Box | Points) -> Any:
    """A settled selection applied to an array, axis by axis."""
    if isinstance(chosen, Points):
        return cells[chosen.points].reshape(chosen.shape)
    for axis, entry in enumerate(chosen.axes):
        indices = entry if isinstance(entry, np.ndarray) else entry[0] + entry[1] * np.arange(entry[2])
        cells = np.take(cells, indices, axis=axis)
    kept = [length for axis, length in enumerate(cells.shape) if axis not in chosen.drop]
    return cells.reshape(kept).reshape(chosen.shape)


@given(st.data())
def test_a_basic_key_chooses_what_numpy_chooses(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes())
    cells = selecting.cells_of("<i8", shape)
    key = data.draw(selecting.basic_keys(shape))
    np.testing.assert_array_equal(applied(cells, selection.basic(key, shape)), reference.basic(cells, key))
    np.testing.assert_array_equal(applied(cells, selection.settle(key, shape)), reference.basic(cells, key))


@given(st.data())
def test_an_orthogonal_key_chooses_along_each_axis(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes())
    cells = selecting.cells_of("<i8", shape)
    key = data.draw(selecting.orthogonal_keys(shape))
    np.testing.assert_array_equal(applied(cells, selection.orthogonal(key, shape)), reference.orthogonal(cells, key))


@given(st.data())
def test_coordinates_choose_single_cells(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes(least=1).filter(len))
    cells = selecting.cells_of("<i8", shape)
    key = data.draw(selecting.coordinate_keys(shape))
    np.testing.assert_array_equal(applied(cells, selection.coordinates(key, shape)), reference.coordinates(cells, key))


@given(st.data())
def test_a_mask_chooses_in_c_order(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes().filter(len))
    cells = selecting.cells_of("<i8", shape)
    chosen = data.draw(selecting.masks(shape))
    np.testing.assert_array_equal(applied(cells, selection.mask(chosen, shape)), reference.mask(cells, chosen))
    np.testing.assert_array_equal(applied(cells, selection.settle(chosen, shape)), cells[chosen])


@given(st.data())
def test_blocks_are_whole_chunks(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes())
    edges = data.draw(selecting.chunk_shapes(shape))
    cells = selecting.cells_of("<i8", shape)
    key = data.draw(selecting.block_keys(shape, edges))
    expected = reference.blocks(cells, key, edges)
    np.testing.assert_array_equal(applied(cells, selection.blocks(key, shape, RegularGrid(edges).axes)), expected)


@given(st.data())
def test_several_index_arrays_are_read_as_numpy_reads_them(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes(least=1).filter(lambda shape: len(shape) > 1))
    cells = selecting.cells_of("<i8", shape)
    key = data.draw(selecting.mixed_keys(shape))
    np.testing.assert_array_equal(applied(cells, selection.settle(key, shape)), cells[key])


def test_one_index_array_stays_at_its_axis_even_beside_an_integer() -> None:
    cells = selecting.cells_of("<i8", (2, 3, 4))
    chosen = selection.settle((0, slice(None), [1, 3]), cells.shape)
    np.testing.assert_array_equal(applied(cells, chosen), cells[0][:, [1, 3]])


def test_an_index_array_of_two_axes_puts_both_in_place_of_its_own() -> None:
    cells = selecting.cells_of("<i8", (4, 3))
    key = (np.array([[0, 1], [2, 3]]), slice(None, None, -1))
    np.testing.assert_array_equal(applied(cells, selection.settle(key, cells.shape)), cells[key])


def test_a_mask_of_some_axes_counts_for_those() -> None:
    cells = selecting.cells_of("<i8", (2, 3, 4))
    chosen = np.array([[True, False, True], [False, True, True]])
    np.testing.assert_array_equal(applied(cells, selection.settle(chosen, cells.shape)), cells[chosen])
    np.testing.assert_array_equal(applied(cells, selection.settle((..., 1), cells.shape)), cells[..., 1])


@pytest.mark.parametrize("key", [np.int8(1), np.uint64(1), np.array(1)])
def test_numpy_integers_are_integers(key: Any) -> None:
    assert selection.basic(key, (3,)).drop == (0,)


@pytest.mark.parametrize(
    ("key", "shape", "error", "says"),
    [
        (3, (3,), BoundsCheckError, "index 3 is out of bounds for axis 0 with 3 cells"),
        (-4, (3,), BoundsCheckError, "index -4"),
        (0, (0,), BoundsCheckError, "0 cells"),
        ([0, 3], (3,), BoundsCheckError, "index 3"),
        (np.array([2**63], dtype="u8"), (3,), BoundsCheckError, "out of bounds for axis 0"),
        ((0, 0), (3,), ArrayIndexError, "too many indices"),
        ((..., ...), (3,), ArrayIndexError, "one ellipsis"),
        (None, (3,), ArrayIndexError, "newaxis"),
        (1.5, (3,), ArrayIndexError, "cannot be indexed by 1.5"),
        (True, (3,), ArrayIndexError, "cannot be indexed by True"),
        ([0.5], (3,), ArrayIndexError, "integers or booleans"),
        (np.array([True, False]), (3,), ArrayIndexError, "mask"),
        (slice(0.5, None), (3,), ArrayIndexError, "needs integers"),
        (slice(None, None, 0), (3,), ValueError, "step zero"),
        (([0, 1], [0, 1, 2]), (3, 3), ArrayIndexError, "broadcast"),
    ],
)
def test_a_wrong_key_says_what_is_wrong(key: Any, shape: tuple[int, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        selection.settle(key, shape)
    assert isinstance(caught.value, (IndexError, ValueError))


@pytest.mark.parametrize("key", [0, (0,), (slice(None), 0), np.zeros(2, dtype=bool), (0, [True, False])])
def test_vindex_takes_one_array_an_axis_and_nothing_else(key: Any) -> None:
    with pytest.raises(VindexInvalidSelectionError, match="coordinates"):
        selection.coordinates(key, (2, 2))


@pytest.mark.parametrize("key", [slice(None, None, 2), slice(0, 1, 2), slice(None, None, -1), [0], 0.5])
def test_blocks_take_integers_and_plain_slices(key: Any) -> None:
    with pytest.raises(ArrayIndexError, match="step 1"):
        selection.blocks(key, (6,), RegularGrid((2,)).axes)


def test_field_names_are_taken_out_of_a_key() -> None:
    assert fields.split_fields("f") == ("f", ...)
    assert fields.split_fields(("f", 0)) == ("f", (0,))
    assert fields.split_fields(["f", "g"]) == (["f", "g"], ...)
    assert fields.split_fields((["f", "g"], 0, 1)) == (["f", "g"], (0, 1))
    assert fields.split_fields([0, 1]) == (None, [0, 1])
