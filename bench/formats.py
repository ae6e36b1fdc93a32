"""Measures what the comparison of `run.py` leaves out, beside zarr-python 3 and 2: format 2, text, filters, odd chunks.

One process for each library and row, in turns. Every library reads the same store, which zarrite wrote, and writes into
copies of its metadata. Run by `make bench`; alone:

    python bench/formats.py --python zarrite=.venv/bin/python --python zarr=PYTHON --python zarr2=PYTHON --root DIR
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

OURS = "zarrite"


def volume() -> Any:
    """A smooth field with noise in its low bits, 128 MiB of uint16."""
    z, y, x = (np.linspace(0, 12, n, dtype="float32") for n in (256, 512, 512))
    smooth = 9000 * np.sin(z)[:, None, None] * np.cos(y)[:, None] * np.sin(x) + 20000
    return smooth.astype("uint16") // 64 * 64 + np.random.default_rng(0).integers(0, 64, smooth.shape, dtype="uint16")


def series() -> Any:
    """Readings that change little from one to the next, 64 MiB of int32."""
    return np.random.default_rng(1).integers(-50, 60, 16 << 20).cumsum().astype("int32")


def words() -> Any:
    """A million texts of 4 to 40 characters, some not ASCII."""
    random = np.random.default_rng(2)
    stock = ["".join(chr(random.integers(97, 900)) for _ in range(n)) for n in random.integers(4, 40, 5000)]
    return np.array(stock, dtype=object)[random.integers(0, len(stock), 1_000_000)]


def uneven(extent: int) -> list[int]:
    """Chunk edges from 24 to 72 that add up to an extent."""
    edges: list[int] = []
    while sum(edges) < extent:
        edges.append(min(24 + 7 * len(edges) % 49, extent - sum(edges)))
    return edges


# What the cells are, and how the array is made; the names are the rows of the table.
CASES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "v2": (
        volume,
        {
            "zarr_format": 2,
            "chunks": (64, 64, 64),
            "compressors": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
        },
    ),
    "v2.fortran": (
        lambda: volume().astype(">u2"),
        {"zarr_format": 2, "chunks": (64, 64, 64), "order": "F", "compressors": {"id": "zlib", "level": 1}},
    ),
    "v2.filters": (
        series,
        {
            "zarr_format": 2,
            "chunks": (1 << 18,),
            "filters": [{"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}],
            "compressors": {"id": "zlib", "level": 1},
        },
    ),
    "v2.text": (words, {"zarr_format": 2, "chunks": (20_000,), "dtype": str}),
    "v3.text": (words, {"chunks": (20_000,), "dtype": str}),
    "v3.rectilinear": (volume, {"chunks": [uneven(256), uneven(512), uneven(512)]}),
}
ONLY_V2 = ("zarr2",)
"""Libraries that know format 2 alone."""


def module(library: str) -> Any:
    """The library, ready for all rows it can do."""
    if library == OURS:
        import zarrite

        return zarrite
    import zarr

    if library != "zarr2":
        zarr.config.set({"array.rectilinear_chunks": True})
    return zarr


def prepare(root: Path) -> None:
    """Writes the store that every library reads, with zarrite."""
    import zarrite

    for name, (cells, settings) in CASES.items():
        values = cells()
        made = {"shape": values.shape, "dtype": values.dtype, **settings}
        zarrite.create_array(root / name, overwrite=True, **made)[...] = values


def work(library: str, name: str, action: str, root: Path, repetitions: int) -> dict[str, Any]:
    """Times one row in this process, after one round that is not counted."""
    zarr, store = module(library), root / name
    if action == "write":
        values, source = CASES[name][0](), store
        store = root / f"{name}.{library}"
    times, last = [], None
    for _ in range(repetitions + 1):
        if action == "write":
            shutil.rmtree(store, ignore_errors=True)
            store.mkdir()
            for document in (".zarray", ".zattrs", "zarr.json"):
                if (source / document).exists():
                    shutil.copy(source / document, store)
        array = zarr.open_array(str(store), mode="r+")
        last = None
        start = time.perf_counter()
        if action == "write":
            array[...] = values
        else:
            last = array[...]
        times.append(time.perf_counter() - start)
    found = np.asarray(array[...] if last is None else last)
    shutil.rmtree(root / f"{name}.{library}", ignore_errors=True)
    first = [str(cell) for cell in found.ravel(order="C")[:: max(1, found.size // 1000)]]
    return {"seconds": times[1:], "cells": first}


def compare(pythons: Mapping[str, str | Path], root: Path, rounds: int, repetitions: int) -> dict[str, dict[str, Any]]:
    """The median seconds of every library, by row."""
    found: dict[str, dict[str, list[float]]] = {}
    root.mkdir(parents=True, exist_ok=True)
    run(pythons[OURS], "--prepare", "--root", str(root))
    for _ in range(rounds):
        for name in CASES:
            for action in ("read", "write"):
                seen: dict[str, list[str]] = {}
                for library, python in pythons.items():
                    if library in ONLY_V2 and not name.startswith("v2"):
                        continue
                    options = ["--work", library, name, action, "--n", str(repetitions), "--root", str(root)]
                    done = json.loads(run(python, *options))
                    seen[library] = done["cells"]
                    found.setdefault(f"{name}.{action}", {}).setdefault(library, []).extend(done["seconds"])
                wrong = [library for library, cells in seen.items() if cells != seen[OURS]]
                if wrong:
                    raise SystemExit(f"{name}.{action}: other cells in {', '.join(wrong)} than in {OURS}")
    return {
        row: {"median": {library: statistics.median(times) for library, times in all_times.items()}}
        for row, all_times in found.items()
    }


def run(python: str | Path, *options: str) -> str:
    """What this script prints in another interpreter."""
    return subprocess.run([python, __file__, *options], check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--root", type=Path, required=True, help="folder for the stores, on a tmpfs")
    words.add_argument("--python", action="append", default=[], help="LIBRARY=INTERPRETER, one for each library")
    words.add_argument("--rounds", type=int, default=1)
    words.add_argument("--n", type=int, default=3, help="repetitions in each process")
    words.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.prepare:
        prepare(options.root)
    elif options.work:
        library, name, action = options.work
        print(json.dumps(work(library, name, action, options.root, options.n)))
    else:
        pythons = dict(pair.split("=", 1) for pair in options.python)
        print(json.dumps(compare(pythons, options.root, options.rounds, options.n), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
