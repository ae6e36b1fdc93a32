"""Measures zarr-python over zarrite's engine beside zarr-python over its own fused pipeline, in turns in one process.

Both read and write what zarr-python is asked for, in files and in a dictionary; of every row the best of several turns.
Needs zarr-python 3.3 or newer:

    python bench/pipeline.py --root /dev/shm
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr

from zarrite.interop.pipeline import PATH

PIPELINES = {"zarrite": PATH, "fused": "zarr.core.codec_pipeline.FusedCodecPipeline"}
SIDE = 2048
SECONDS = 0.5

# Chunks, shards and compressors.
LAYOUTS: dict[str, dict[str, Any]] = {
    "16 KiB chunks": {"chunks": (64, 64), "compressors": None},
    "1 MiB chunks": {"chunks": (512, 512), "compressors": None},
    "16 KiB chunks, zstd": {"chunks": (64, 64)},
    "1 MiB chunks, zstd": {"chunks": (512, 512)},
    "16 KiB chunks in 4 MiB shards, zstd": {"chunks": (64, 64), "shards": (1024, 1024)},
}


class Task(NamedTuple):
    """What is done with an array."""

    name: str
    run: Callable[[Any, Any], Any]


def _points() -> Any:
    return np.random.default_rng(1).integers(0, SIDE, 1000)


def _write_all(array: Any, cells: Any) -> None:
    array[...] = cells


def _write_little(array: Any, cells: Any) -> None:
    array[5:9, 5:9] = cells[:4, :4]


def _write_points(array: Any, cells: Any) -> None:
    array.vindex[_points(), _points()] = cells[0, :1000]


TASKS = (
    Task("read all", lambda array, _: array[...]),
    Task("write all", _write_all),
    Task("read 10 rows", lambda array, _: array[100:110]),
    Task("read a column", lambda array, _: array[:, 7]),
    Task("read every 9th", lambda array, _: array[::9, ::9]),
    Task("read one cell", lambda array, _: array[5, 5]),
    Task("read 1000 points", lambda array, _: array.vindex[_points(), _points()]),
    Task("read 50 x 50 of an outer product", lambda array, _: array.oindex[_points()[:50], _points()[50:100]]),
    Task("write 4 x 4", _write_little),
    Task("write 1000 points", _write_points),
)


def _tiny(store: Any) -> Any:
    array = zarr.create_array(store, shape=(10,), chunks=(10,), dtype="f4", overwrite=True)
    array[...] = 1
    return array


TINY = (
    Task("read all", lambda array, _: array[...]),
    Task("write all", lambda array, _: array.__setitem__(slice(None), 2)),
    Task("open and read", lambda array, _: zarr.open_array(array.store, mode="r")[...]),
)


def turns(arrays: dict[str, Any], task: Task, cells: Any) -> dict[str, float]:
    """The best time of each in seconds, taken in turns until there was enough of it."""
    best = dict.fromkeys(arrays, float("inf"))
    end, count = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end or count < 3:
        count += 1
        for name, array in arrays.items():
            with zarr.config.set({"codec_pipeline.path": PIPELINES[name]}):
                start = time.perf_counter()
                task.run(array, cells)
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def rows(root: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Every row with its times."""
    cells = np.random.default_rng(0).integers(0, 1000, (SIDE, SIDE)).astype("f4")
    for place in ("files", "dictionary"):
        for layout, settings in [*LAYOUTS.items(), ("40 bytes", None)]:
            arrays = {}
            for name, path in PIPELINES.items():
                store: Any = {} if place == "dictionary" else tempfile.mkdtemp(dir=root)
                with zarr.config.set({"codec_pipeline.path": path}):
                    if settings is None:
                        arrays[name] = _tiny(store)
                    else:
                        arrays[name] = zarr.create_array(store, shape=cells.shape, dtype=cells.dtype, **settings)
                        arrays[name][...] = cells
            for task in TINY if settings is None else TASKS:
                yield f"{place}, {layout}: {task.name}", turns(arrays, task, cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=None, help="where files are put; a tmpfs is best")
    parser.add_argument("--json", type=Path, default=None, help="writes the times there")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    root = Path(tempfile.mkdtemp(dir=asked.root))
    found = {}
    try:
        print(f"zarr-python {zarr.__version__}, milliseconds\n\n| | zarrite | fused | fused / zarrite |")
        print("| --- | --- | --- | --- |")
        for row, times in rows(root):
            found[row] = times
            ours, own = times["zarrite"] * 1e3, times["fused"] * 1e3
            print(f"| {row} | {ours:.3f} | {own:.3f} | {own / ours:.2f} |", flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
