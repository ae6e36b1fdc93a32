"""Irregular grids cost what regular ones do: counts of Python calls, of requests and of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zarrite
from costs.counting import Ledger, peak_growth, python_calls

LENGTH = 999
KEYS: dict[str, Any] = {
    "a cell": (5, 1),
    "a slice": (slice(100, 200), slice(None)),
    "steps": (slice(None, None, 7), slice(None)),
    "everything": ...,
}


def pair(**settings: Any) -> tuple[zarrite.Array, zarrite.Array]:
    """Two arrays of 333 objects: of one length, and of several."""
    made = []
    for listed in (3, [[2, 111], [4, 111], [3, 111]]):
        grid = {name: (listed, 4) if value == "listed" else value for name, value in settings.items()}
        array = zarrite.create_array(None, shape=(LENGTH, 4), dtype="i4", **grid)
        array[...] = np.arange(LENGTH * 4).reshape(LENGTH, 4)
        made.append(array)
    return made[0], made[1]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_python_calls_are_those_of_a_regular_grid(key: Any) -> None:
    regular, irregular = pair(chunks="listed")
    for array in (regular, irregular):
        np.testing.assert_array_equal(array[key], np.arange(LENGTH * 4).reshape(LENGTH, 4)[key])
    assert python_calls(lambda: regular[key]) == python_calls(lambda: irregular[key])
    values = np.zeros(regular[key].shape, "i4")
    assert python_calls(lambda: regular.write(key, values)) == python_calls(lambda: irregular.write(key, values))


def test_opening_and_reading_ask_the_store_for_what_is_touched() -> None:
    ledger = Ledger()
    zarrite.create_array(
        ledger.store, shape=(5 * 10**9,), chunks=[[[4, 10**9], [1, 10**9]]], dtype="i4", compressors=None
    )[4 * 10**9 - 2 : 4 * 10**9 + 2] = 1
    assert len(ledger.of(lambda: zarrite.open_array(ledger.store, mode="r"))) == 1
    array = zarrite.open_array(ledger.store, mode="r")
    found = ledger.of(lambda: array[4 * 10**9 - 1 : 4 * 10**9 + 1])
    assert sorted(one[1] for one in found) == ["c/1000000000", "c/999999999"]
    assert len(ledger.of(lambda: array[:: 10**9])) == 5


def test_a_grid_of_two_billion_chunks_is_never_written_out() -> None:
    setup = """
        import zarrite
        def work():
            array = zarrite.create_array(
                None, shape=(5 * 10**9, 10**12), chunks=[[[4, 10**9], [1, 10**9]], 1000], dtype="u1"
            )
            array[10**9, 10**11] = 1
            assert array[:: 10**8, ::10**10].sum() == 1
            array.resize((6 * 10**9, 10**12))
            return array.nchunks
        """
    assert peak_growth(setup, "assert work() == (2 * 10**9 + 1) * 10**9") < 16 << 20
