"""Null as the fill value of format 2: unwritten cells read as with zarr-python 3, and the document keeps its null.

The specification leaves them open. zarr-python 2 gives memory that nobody cleared.
"""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("dtype", ["<M8[s]", ">m8[ns]"])
def test_a_chunk_of_the_first_day_is_stored_and_one_of_no_time_is_not(dtype: str) -> None:
    store = document(dtype)
    array = zarrite.open_array(store, mode="r+")
    array[0] = np.array(0, "i8").view(array.dtype.newbyteorder("="))[()]
    array[1] = np.array("NaT", dtype)[()]
    assert sorted(key for key in store if not key.startswith(".")) == ["0"]
    again = zarrite.open_array(store, mode="r")[...]
    assert np.isnat(again).tolist() == [False, True]
    assert int(again[0].astype("i8")) == 0


@pytest.mark.parametrize("dtype", ["<M8[s]", "<m8[s]"])
def test_zarr_python_reads_the_same(dtype: str, tmp_path: Any) -> None:
    zarr = pytest.importorskip("zarr", minversion="3")
    (tmp_path / ".zarray").write_bytes(document(dtype)[".zarray"])
    theirs = zarr.open_array(tmp_path, mode="r", zarr_format=2)[...]
    assert theirs.tobytes() == zarrite.open_array(tmp_path, mode="r")[...].tobytes()
