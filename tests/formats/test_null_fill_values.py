"""Format 2's `"fill_value": null`: what unwritten cells read as, and why written ones are always stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite

# What zarr-python 3.4.2 reads where there are no chunks: one cell, its bytes as they lie in memory.
RECORDED = {
    "<M8[s]": "0000000000000080",
    "<M8[ns]": "0000000000000080",
    ">M8[ms]": "8000000000000000",
    "<m8[s]": "0000000000000080",
    ">m8[ns]": "8000000000000000",
    "<m8": "0000000000000080",
    "<M8": "0000000000000080",
    "<f8": "00" * 8,
    "<i4": "00" * 4,
    "|b1": "00",
    "|S3": "00" * 3,
    "<U3": "00" * 12,
    "|V4": "00" * 4,
    "<c16": "00" * 16,
}


def document(dtype: Any) -> dict[str, bytes]:
    members = {"zarr_format": 2, "shape": [2], "chunks": [1], "dtype": dtype, "fill_value": None, "order": "C"}
    return {".zarray": json.dumps({**members, "filters": None, "compressor": None}).encode()}


def in_order_of(dtype: str, cells: Any) -> bytes:
    """The bytes of cells in the byte order that a document names."""
    return bytes(np.asarray(cells).astype(np.dtype(dtype)).tobytes())


@pytest.mark.parametrize("dtype", RECORDED)
def test_unwritten_cells_read_as_with_zarr_python(dtype: str) -> None:
    store = document(dtype)
    array = zarrite.open_array(store, mode="r+")
    assert array.fill_value is None
    assert in_order_of(dtype, array[...]) == bytes.fromhex(RECORDED[dtype]) * 2
    array.attrs["changed"] = True
    assert json.loads(store[".zarray"])["fill_value"] is None


def test_fields_of_a_struct_are_zero_dates_too() -> None:
    array = zarrite.open_array(document([["a", "<i4"], ["t", "<M8[s]"]]), mode="r")
    assert array[...].tobytes() == bytes(24)


@pytest.mark.parametrize("dtype", ["<M8[s]", "<m8[s]"])
def test_zarr_python_reads_the_same(dtype: str, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", minversion="3")
    (tmp_path / ".zarray").write_bytes(document(dtype)[".zarray"])
    theirs = zarr.open_array(tmp_path, mode="r", zarr_format=2)[...]
    assert theirs.tobytes() == zarrite.open_array(tmp_path, mode="r")[...].tobytes()


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
