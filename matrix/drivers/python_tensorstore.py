"""tensorstore."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import tensorstore
from speaking import serve
from wire import type_of

DRIVERS = {"v3": "zarr3", "v2": "zarr", "n5": "n5"}
OWN = {
    "v3": ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs", "dimension_names"),
    "v2": ("shape", "dtype", "chunks", "fill_value", "order", "compressor", "filters", "dimension_separator"),
    "n5": ("dimensions", "blockSize", "dataType", "compression"),
}
"""What of a document it takes when it makes an array."""


def opened(task: dict[str, Any], **more: Any) -> Any:
    """The array in the folder; where an axis is dimension 0 in N5, it is the last here."""
    place = {"driver": "file", "path": task["place"]}
    found = tensorstore.open({"driver": DRIVERS[task["format"]], "kvstore": place, **more}).result()
    return found.T if task["format"] == "n5" else found


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the array of the document, then writes the cells, field by field where there are some."""
    if cells.dtype.kind in "SV" and cells.dtype.names is None:
        raise ValueError("its type of single bytes has no cells in NumPy")
    document = {name: value for name, value in task["document"].items() if name in OWN[task["format"]]}
    if task["format"] == "v2":
        document["zarr_format"] = 2
    if task["format"] == "v3":
        document = {"zarr_format": 3, "node_type": "array", **document}
    make = {"metadata": document, "create": True}
    if cells.dtype.names is None:
        opened(task, **make).write(cells).result()
        return
    for name in cells.dtype.names:
        opened(task, field=name, open=True, **make).write(cells[name]).result()


def read(task: dict[str, Any]) -> Any:
    """Every cell, field by field where there are some."""
    if not isinstance(task["dtype"], list):
        return seen(opened(task).read().result())
    cells = np.zeros(tuple(task["shape"]), type_of(task["dtype"]))
    for name in cells.dtype.names or ():
        cells[name] = seen(opened(task, field=name).read().result())
    return cells


def seen(cells: Any) -> Any:
    """Cells that NumPy sees: those of single bytes have no length there."""
    if not cells.dtype.itemsize:
        raise ValueError("its type of single bytes has no cells in NumPy")
    return cells


serve("tensorstore", version("tensorstore"), write, read)
