"""Arrays as other writers left them: a document with members replaced, and one chunk of known cells."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

import zarrite

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
CELLS = np.arange(6, dtype="<i4").reshape(2, 3)
ABSENT = 2**64 - 1


def v3(cells: Any = CELLS, raw: bytes | None = None, **members: Any) -> dict[str, bytes]:
    """An array of format 3 with one chunk; members that are `...` are left out."""
    cells = np.asarray(cells)
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(cells.shape),
        "data_type": cells.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(cells.shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [LITTLE],
    } | members
    key = "/".join(["c", *("0" for _ in document["shape"])])
    return {"zarr.json": text(document), key: cells.tobytes() if raw is None else raw}


def v2(cells: Any = CELLS, raw: bytes | None = None, **members: Any) -> dict[str, bytes]:
    """An array of format 2 with one chunk; members that are `...` are left out."""
    cells = np.asarray(cells)
    document = {
        "zarr_format": 2,
        "shape": list(cells.shape),
        "chunks": list(cells.shape),
        "dtype": cells.dtype.str,
        "compressor": None,
        "fill_value": 0,
        "order": "C",
        "filters": None,
    } | members
    key = ".".join("0" for _ in document["shape"]) or "0"
    return {".zarray": text(document), key: cells.tobytes() if raw is None else raw}


def text(document: dict[str, Any]) -> bytes:
    """A document as text, without the members that are `...`."""
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def grid(*edges: float) -> dict[str, Any]:
    """A regular grid."""
    return {"name": "regular", "configuration": {"chunk_shape": list(edges)}}


def cells_of(store: dict[str, bytes], **how: Any) -> Any:
    """All cells of an array."""
    return zarrite.open_array(store, mode="r", **how)[...]


def same(store: dict[str, bytes], cells: Any = CELLS) -> None:
    """Asserts that an array has these cells, bit by bit."""
    found = np.asarray(cells_of(store))
    assert found.shape == np.shape(cells)
    assert found.astype(found.dtype.newbyteorder("<")).tobytes() == np.asarray(cells).tobytes()


def only_fill(store: dict[str, bytes]) -> dict[str, bytes]:
    """An array without its chunk."""
    return {key: raw for key, raw in store.items() if key.startswith((".", "zarr"))}


def reread(store: dict[str, bytes]) -> dict[str, Any]:
    """The document after a handle changed the shape: what is written of what was forgiven."""
    array = zarrite.open_array(store, mode="r+")
    array.resize((array.shape[0] + 1, *array.shape[1:]))
    key = "zarr.json" if "zarr.json" in store else ".zarray"
    found: dict[str, Any] = json.loads(store[key])
    return found
