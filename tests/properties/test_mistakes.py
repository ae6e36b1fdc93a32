"""Keys and values that make no sense are refused as by NumPy; those that make sense mean what they mean there."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import given, strategies as st

import selecting
import strategies
import zarrite
from properties.profile import share

SHAPES = ((), (0,), (5,), (3, 4), (2, 3, 4))
ODD_ENTRIES: tuple[Any, ...] = (
    *(None, True, False, np.True_, 1.0, 1.5, np.float64(2), "x", b"x", 1j),
    *(np.int8(1), np.uint64(1), np.uint64(2**63), np.array(1), np.array(1.0), np.array(True), np.array([[0, 1]])),
    *(2**31, 2**63, -(2**63) - 1, 2**70, -(2**70)),
    *([], [0], [0, -1], [True, False], [1.5], ["x"], [[0], [1]], range(2), (), (0,), {0: 1}, object()),
    *(np.array([0, 2**40]), np.array([0, -9]), np.array([1], dtype="u8")),
    *(np.array([True, False, True]), np.array([True]), np.ones((3, 4), bool), np.ones((3, 3), bool)),
    *(slice("a", None), slice(1.5, None), slice(None, None, 0), slice(2**70), slice(None, -(2**70), -1)),
    *(slice(np.int64(1), np.uint8(3)), slice(None, None, 2**70), slice(None, None, -(2**63))),
    *(Ellipsis, slice(None), 0, -1, slice(1, None)),
)
REFUSALS = (IndexError, TypeError, ValueError)


@st.composite
def odd_keys(draw: st.DrawFn) -> Any:
    """One odd entry alone, or some in a row."""
    entries = draw(st.lists(st.sampled_from(ODD_ENTRIES), min_size=1, max_size=4))
    return entries[0] if len(entries) == 1 and draw(st.booleans()) else tuple(entries)


def array_of(shape: tuple[int, ...], dtype: str = "i4") -> tuple[zarrite.Array, Any]:
    array = zarrite.create_array(None, shape=shape, chunks=tuple(2 for _ in shape), dtype=dtype, fill_value=3)
    cells = selecting.cells_of(array.dtype.str, shape)
    array[...] = cells
    return array, cells


@share(0.08)
@given(st.sampled_from(SHAPES), odd_keys(), st.sampled_from(("read", "write", "out")))
def test_odd_keys_mean_what_they_mean_in_numpy_or_are_refused(shape: tuple[int, ...], key: Any, do: str) -> None:
    array, cells = array_of(shape)
    before = cells.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = cells[key]
        except (IndexError, TypeError, ValueError, OverflowError, DeprecationWarning) as error:
            expected = error
    try:
        if do == "read":
            got = array[key]
        elif do == "write":
            array[key] = 9
            got = array[...]
            if not isinstance(expected, Exception):
                cells[key] = 9
                expected = cells
        else:
            got = array.read(key)
    except REFUSALS as error:
        assert "panic" not in str(error)
        np.testing.assert_array_equal(array[...], before)
        return
    assert not isinstance(expected, Exception), f"NumPy refuses {key!r}: {expected}"
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_array_equal(got, expected)


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, 1, -1, 1.5, 1e300, float("nan"), 2**40, 2**70, 1j, "x", "12", b"x", object()),
    *([], [1], [1, 2, 3], [[1], [2]], [[1, 2], [3]], [1, "x"], {}, {1: 2}, range(3)),
    *(np.arange(4), np.arange(4.0), np.arange(12).reshape(3, 4), np.arange(12).reshape(4, 3), np.ones((2, 3, 4))),
    *(np.ones((1, 1, 1, 1)), np.zeros(0), np.array("x"), np.array(None), np.float32(2.5)),
    *(np.array([1, 2, 3, 4], dtype=">i2"), np.array([1 + 2j] * 4), np.array([True] * 4), np.arange(8)[::2]),
    *(memoryview(b"abcd"), bytearray(b"abcd"), np.ma.masked_array([1, 2, 3, 4], mask=[0, 1, 0, 0])),
)


@share(0.06)
@given(
    st.sampled_from(SHAPES),
    st.sampled_from(("i4", "u1", "f4", "c8", "?", "M8[s]", "S3", "U2")),
    st.data(),
)
def test_odd_values_are_stored_as_numpy_stores_them_or_refused(
    shape: tuple[int, ...], dtype: str, data: st.DataObject
) -> None:
    array = zarrite.create_array(None, shape=shape, chunks=tuple(2 for _ in shape), dtype=dtype)
    cells = strategies.random_cells(array.dtype, shape, 1, tame=array.dtype.kind in "iufc")
    array[...] = cells
    before = cells.copy()
    key = data.draw(selecting.basic_keys(shape))
    value = data.draw(st.sampled_from(ODD_VALUES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused = attempt(lambda: cells.__setitem__(key, value))
        ours = attempt(lambda: array.__setitem__(key, value))
        one = attempt(lambda: np.asarray(value)) is None and np.size(value) <= 1
    if ours is not None:
        assert isinstance(ours, (*REFUSALS, OverflowError)), repr(ours)
        assert "panic" not in str(ours)
        assert strategies.bits(array[...], array.dtype) == strategies.bits(before, array.dtype)
        # The truth of a list is a boolean to NumPy; here a list is cells.
        truth = dtype == "?" and np.ndim(before[key]) == 0
        assert refused is not None or before[key].size == 0 or truth, f"NumPy takes {value!r}: {ours!r}"
        return
    # A list of one value may go where NumPy wants the value alone.
    assert refused is None or before[key].size == 0 or one, f"NumPy refuses {value!r}: {refused}"
    if refused is None:
        assert strategies.bits(array[...], array.dtype) == strategies.bits(cells, array.dtype)


def attempt(work: Any) -> Exception | None:
    """What some work raises."""
    try:
        work()
    except Exception as error:
        return error
    return None
