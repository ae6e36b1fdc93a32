"""Cells of no length are read as the empty byte NumPy gives them, and stored as nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarrite
from model.strategies import as_json
from zarrite import formats
from zarrite.errors import MetadataValidationError
from zarrite.model.node import ArrayModel


def document(dtype: Any, fill: Any = "", **more: Any) -> dict[str, bytes]:
    members = {"zarr_format": 2, "shape": [3], "chunks": [2], "dtype": dtype, "fill_value": fill, "order": "C"}
    return {".zarray": json.dumps({**members, "filters": None, "compressor": None, **more}).encode()}


@pytest.mark.parametrize("dtype", ["|S0", "<U0", "|V0"])
@pytest.mark.parametrize("compressor", [None, {"id": "zlib", "level": 1}])
def test_they_are_read_and_written(dtype: str, compressor: Any) -> None:
    store = document(dtype, compressor=compressor)
    array = zarrite.open_array(store, mode="r+", config={"write_empty_chunks": True})
    assert array.dtype == np.dtype(dtype[1] + "1")
    nothing = np.zeros(3, array.dtype)
    assert array[:].tobytes() == nothing.tobytes()
    array[:] = nothing
    assert "0" in store
    assert compressor is not None or store["0"] == b""
    assert zarrite.open_array(store, mode="r")[:].tobytes() == nothing.tobytes()


@pytest.mark.parametrize("dtype", ["|S0", "<U0", "|V0"])
def test_their_document_stays_and_has_no_words_in_format_3(dtype: str) -> None:
    model = formats.parse("", document(dtype))
    assert isinstance(model, ArrayModel)
    written = formats.dump(model, "")
    assert as_json(written[".zarray"])["dtype"] == np.dtype(dtype).str
    assert formats.parse("", written) == model
    with pytest.raises(MetadataValidationError, match="no name in format 3"):
        formats.v3.V3().array_document(model)


def test_among_other_fields_they_are_as_numpy_has_them() -> None:
    array = zarrite.open_array(document([["a", "|S0"], ["b", "<i4"], ["c", "|V0"]], fill="AQAAAA=="), mode="r")
    assert array.dtype.itemsize == 4
    assert array[:]["b"].tolist() == [1, 1, 1]
