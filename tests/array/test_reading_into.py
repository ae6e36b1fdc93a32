"""`out=`: cells put where the caller wants them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite

CELLS = np.arange(42, dtype="i4").reshape(6, 7)
KEYS: list[Any] = [
    ...,
    2,
    (slice(1, 5), 3),
    (slice(None, None, -1), slice(None, None, 2)),
    ([0, 5, 2],),
    ([1, 2], [3, 4]),
]


@pytest.fixture
def array() -> zarrite.Array:
    return zarrite.array(CELLS, chunks=(4, 3))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_array_is_filled_in_place_and_given_back(array: zarrite.Array, key: Any) -> None:
    out = np.full(CELLS[key].shape, -1, dtype="i4")
    assert array.read(key, out=out) is out
    assert_array_equal(out, CELLS[key])


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_strided_part_of_a_larger_array_is_filled_and_nothing_beside_it(array: zarrite.Array, key: Any) -> None:
    shape = CELLS[key].shape
    larger = np.full([2 * length + 1 for length in shape], -1, dtype="i4")
    part = larger[tuple(slice(1, None, 2) for _ in shape)]
    array.read(key, out=part)
    assert_array_equal(part, CELLS[key])
    assert (larger == -1).sum() == larger.size - part.size


def test_a_column_major_array_is_filled(array: zarrite.Array) -> None:
    out = np.empty((6, 7), dtype="i4", order="F")
    array.read(out=out)
    assert_array_equal(out, CELLS)


@pytest.mark.parametrize("make", [bytearray, lambda size: memoryview(bytearray(size))])
def test_a_plain_buffer_is_filled(array: zarrite.Array, make: Any) -> None:
    out = make(4 * 7)
    array.read(1, out=out)
    assert bytes(out) == CELLS[1].tobytes()


def test_every_kind_of_selection_takes_out(array: zarrite.Array) -> None:
    out = np.empty((2, 2), dtype="i4")
    array.get_orthogonal_selection(([5, 0], [1, 6]), out=out)
    assert_array_equal(out, CELLS[np.ix_([5, 0], [1, 6])])
    array.get_coordinate_selection(([[5, 0], [1, 1]], [[1, 6], [0, 0]]), out=out)
    assert_array_equal(out, CELLS[[[5, 0], [1, 1]], [[1, 6], [0, 0]]])
    array.get_basic_selection((slice(2), slice(2)), out=out)
    assert_array_equal(out, CELLS[:2, :2])
    row = np.empty(2, dtype="i4")
    array.get_mask_selection((CELLS == 3) | (CELLS == 40), out=row)
    assert row.tolist() == [3, 40]
    block = np.empty((2, 3), dtype="i4")
    array.get_block_selection((1, 0), out=block)
    assert_array_equal(block, CELLS[4:, :3])


@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        (np.empty((6, 6), dtype="i4"), ValueError, r"out has shape \(6, 6\); the selection has \(6, 7\)"),
        (np.empty((6, 7), dtype="i8"), ValueError, "data type int64"),
        (np.empty((6, 7), dtype=">i4"), ValueError, "data type"),
        (np.broadcast_to(np.int32(0), (6, 7)), ValueError, "read-only"),
        (bytes(168), ValueError, "read-only"),
        (bytearray(167), ValueError, "167 bytes; the selection needs 168"),
        ([0], TypeError, "NumPy array or a writable buffer"),
    ],
)
def test_an_out_that_does_not_fit_is_refused(array: zarrite.Array, out: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        array.read(out=out)


def test_strings_are_put_into_out() -> None:
    words = zarrite.array(np.array(["a", "bc"], dtype=np.dtypes.StringDType()))
    out = np.empty(2, dtype=words.dtype)
    assert words.read(out=out) is out
    assert out.tolist() == ["a", "bc"]
