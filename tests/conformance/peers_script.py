"""Runs in the interpreter of the peers: reads and writes arrays as told by JSON lines, and answers in JSON lines.

A task: {"library": .., "path": .., "format": 2 or 3, "cells": a .npy file}. Reading fills the file; writing stores it.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import Any

import numpy as np

warnings.simplefilter("ignore")


def _zarr(path: str, mode: str, pipeline: str) -> Any:
    import zarr

    if pipeline:
        import zarrs  # noqa: F401 - it registers itself

        zarr.config.set({"codec_pipeline.path": pipeline})
    else:
        zarr.config.reset()
    zarr.config.set({"array.rectilinear_chunks": True})
    return zarr.open_array(path, mode=mode)


class _Zarrista:
    def __init__(self, path: str) -> None:
        import zarrista
        from zarrista.store import FilesystemStore

        self.array = zarrista.Array.open(FilesystemStore(path), "/")

    def __getitem__(self, key: Any) -> Any:
        return self.array[key if self.array.ndim else ()]

    def __setitem__(self, key: Any, cells: Any) -> None:
        self.array.store_array_subset(tuple(slice(0, length) for length in cells.shape), cells)


def opened(library: str, path: str, mode: str) -> Any:
    """The array as a library has it."""
    if library == "zarr-new":
        return _zarr(path, mode, "")
    if library == "zarrs":
        return _zarr(path, mode, "zarrs.ZarrsCodecPipeline")
    return _Zarrista(path)


def main() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        try:
            array = opened(task["library"], task["path"], "r" if task["do"] == "read" else "r+")
            if task["do"] == "read":
                cells = np.asarray(array[...])
                if cells.dtype.kind == "T":
                    cells = cells.astype(object)
                np.save(task["cells"], cells, allow_pickle=True)
            else:
                cells = np.load(task["cells"], allow_pickle=True)
                array[...] = cells.astype(cells.dtype.newbyteorder("="), order="C")
            answer = {"name": task["name"], "error": None}
        except BaseException as error:
            answer = {
                "name": task["name"],
                "error": f"{type(error).__name__}: {error}",
                "trace": traceback.format_exc(),
            }
        print(json.dumps(answer), flush=True)


main()
