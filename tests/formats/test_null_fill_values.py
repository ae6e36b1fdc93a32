"""Format 2's `"fill_value": null`: what unwritten cells read as, and why written ones are always stored."""

from __future__ import annotations

import numpy as np
import pytest

import zarrite


@pytest.mark.parametrize("kind", ["M8[Y]", "M8[ns]", "m8[25s]"])
def test_times_that_nobody_wrote_are_no_times(kind: str) -> None:
    array = zarrite.create_array({}, shape=(4,), chunks=(2,), dtype=kind, zarr_format=2, fill_value=None)
    assert array.fill_value is None
    assert np.isnat(array[...]).all()


@pytest.mark.parametrize("kind", ["i4", "f8", "bool", "S2", "U2", "M8[s]", "m8[s]"])
def test_chunks_stay_whatever_their_cells_for_readers_differ_in_what_null_is(kind: str) -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(4,), chunks=(2,), dtype=kind, zarr_format=2, fill_value=None)
    nothing = np.zeros(4, kind)
    array[...] = nothing
    assert {"0", "1"} <= set(store)
    array[...] = array.metadata.data_type.default()
    assert {"0", "1"} <= set(store)


def test_chunks_of_a_fill_value_that_is_said_are_left_out_as_ever() -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(4,), chunks=(2,), dtype="i4", zarr_format=2, fill_value=0)
    array[...] = 0
    assert not {"0", "1"} & set(store)
