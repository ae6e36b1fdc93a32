"""zarr-python 2, with formats 2 and N5."""

from __future__ import annotations

import json
from typing import Any

import zarr
from numcodecs import get_codec
from speaking import serve
from zarr.meta import Metadata2


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the array of the document, then writes the cells."""
    if task["format"] != "v2":
        raise ValueError(f"writes no {task['format']} here")
    asked = Metadata2.decode_array_metadata(json.dumps(task["document"]).encode())
    array = zarr.create(
        shape=asked["shape"],
        chunks=asked["chunks"],
        dtype=asked["dtype"],
        compressor=get_codec(asked["compressor"]) if asked["compressor"] else None,
        filters=[get_codec(one) for one in asked["filters"] or ()] or None,
        fill_value=asked["fill_value"],
        order=asked["order"],
        dimension_separator=asked.get("dimension_separator"),
        store=zarr.DirectoryStore(task["place"]),
        overwrite=True,
    )
    array[...] = cells


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    if task["format"] == "n5":
        return zarr.Array(zarr.N5FSStore(task["place"]), read_only=True)[...]
    if task["format"] != "v2":
        raise ValueError(f"no format {task['format']} here")
    return zarr.open_array(zarr.DirectoryStore(task["place"]), mode="r")[...]


serve("zarr-python 2", zarr.__version__, write, read)
