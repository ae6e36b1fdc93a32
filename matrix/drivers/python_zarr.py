"""zarr-python 3, alone or with the codecs of zarrs: `python_zarr.py [zarrs]`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import zarr
from speaking import serve
from zarr.core.buffer import default_buffer_prototype
from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata

NUMBERS = {"v3": 3, "v2": 2}


def opened(task: dict[str, Any], mode: Any) -> Any:
    """The array in the folder."""
    return zarr.open_array(task["place"], mode=mode, zarr_format=number(task))


def number(task: dict[str, Any]) -> Any:
    """The format's number."""
    if task["format"] not in NUMBERS:
        raise ValueError(f"no format {task['format']} here")
    return NUMBERS[task["format"]]


def write(task: dict[str, Any], cells: Any) -> None:
    """The document as this library understands and writes it, then the cells."""
    kind = ArrayV3Metadata if number(task) == 3 else ArrayV2Metadata
    found = kind.from_dict(task["document"]).to_buffer_dict(default_buffer_prototype())
    for name, buffer in found.items():
        (Path(task["place"]) / name).write_bytes(buffer.to_bytes())
    opened(task, "r+")[...] = cells


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    return opened(task, "r")[...]


zarr.config.set({"array.rectilinear_chunks": True})
if "zarrs" in sys.argv:
    import zarrs  # noqa: F401 - it registers itself

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    serve("zarr-python with zarrs", f"{zarr.__version__} with {version('zarrs')}", write, read)
else:
    serve("zarr-python", zarr.__version__, write, read)
