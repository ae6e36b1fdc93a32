"""zarrista: the zarrs crate for Python."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import zarrista
from speaking import serve
from zarrista.store import FilesystemStore


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the array of the document, then writes the cells."""
    array = zarrista.Array.from_metadata(task["document"], FilesystemStore(task["place"]), "/")
    array.store_metadata()
    array.store_array_subset(tuple(slice(0, length) for length in cells.shape), np.array(cells))


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    array = zarrista.Array.open(FilesystemStore(task["place"]), "/")
    return np.asarray(array[... if array.ndim else ()])


serve("zarrista", version("zarrista"), write, read)
