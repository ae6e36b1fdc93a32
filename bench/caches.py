"""Measures what is read again: slabs thinner than chunks, a viewer's tiles, a loop over chunks of a store far away.

One process for each library and row, in turns; zarr-python plain and with the cache it offers. All read the same store,
which zarrite wrote, on a tmpfs or on the tests' S3 server with 20 ms of latency. Run by `make bench`; alone:

    python bench/caches.py --python zarrite=.venv/bin/python --python zarr=PYTHON --root DIR
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

BENCH = Path(__file__).parent
LATENCY_S = 0.02
SIDE = 2048
TILE = 256
VARIANTS = ("zarrite", "zarrite, cached", "zarr", "zarr, cached")


def slabs(array: Any, rows: int) -> None:
    """Reads all rows, some at a time."""
    for row in range(0, SIDE, rows):
        array[row : row + rows]


def tiles(array: Any, count: int = 200) -> None:
    """Reads the tiles that a viewer asks for who wanders about."""
    for row, column in np.random.default_rng(7).integers(0, SIDE - TILE, (count, 2)):
        array[row : row + TILE, column : column + TILE]


def chunks(array: Any) -> None:
    """Reads chunk by chunk, each alone."""
    rows, columns = array.chunks
    for row in range(0, SIDE, rows):
        for column in range(0, SIDE, columns):
            array[row : row + rows, column : column + columns]


ROWS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "slabs of 256 rows": ("local", lambda array: slabs(array, 256)),
    "slabs of 6 rows": ("local", lambda array: slabs(array, 6)),
    "200 tiles": ("local", tiles),
    "sharded, slabs of 256 rows": ("sharded", lambda array: slabs(array, 256)),
    "sharded, slabs of 6 rows": ("sharded", lambda array: slabs(array, 6)),
    "chunk by chunk, 20 ms away": ("far", chunks),
    "20 tiles, 20 ms away": ("far", lambda array: tiles(array, 20)),
}


def cells() -> Any:
    """A picture with noise in its low bits, 8 MiB of uint16."""
    y, x = (np.linspace(0, 9, SIDE, dtype="float32") for _ in range(2))
    smooth = (9000 * np.sin(y)[:, None] * np.cos(x) + 20000).astype("uint16") // 64 * 64
    return smooth + np.random.default_rng(0).integers(0, 64, smooth.shape, dtype="uint16")


def prepare(place: dict[str, Any]) -> None:
    """Writes the stores that every library reads."""
    import zarrite

    values = cells()
    for kind, url in place["urls"].items():
        settings: dict[str, Any] = {"shards": (1024, 1024)} if kind == "sharded" else {}
        options: dict[str, Any] = {"storage_options": place["options"]} if kind == "far" else {}
        array = zarrite.create_array(
            url, shape=values.shape, dtype=values.dtype, chunks=(256, 256), overwrite=True, **settings, **options
        )
        array[...] = values


def ours(place: dict[str, Any], kind: str, cached: bool) -> Any:
    """The array as zarrite reads it; cached: as much as a user can ask for."""
    import zarrite

    config = {"decoded_cache": True} if cached else {}
    if cached:
        zarrite.config.set({"cache.decoded_bytes": 256 << 20, "cache.fresh_s": 3600.0})
    options: dict[str, Any] = {"storage_options": place["options"]} if kind == "far" else {}
    return zarrite.open_array(place["urls"][kind], mode="r", config=config, **options)


def theirs(place: dict[str, Any], kind: str, cached: bool) -> Any:
    """The array as zarr-python reads it; cached: with the store it has for that."""
    import zarr
    from zarr.experimental.cache_store import CacheStore
    from zarr.storage import LocalStore, MemoryStore

    if kind == "far":
        import obstore.store
        from zarr.storage import ObjectStore

        options = place["options"]
        bucket, _, prefix = place["urls"][kind].removeprefix("s3://").partition("/")
        client = obstore.store.S3Store(
            bucket,
            prefix=prefix,
            client_options={"allow_http": True},
            **{name: value for name, value in options.items() if name != "allow_http"},
        )
        store: Any = ObjectStore(client, read_only=not cached)
    else:
        store = LocalStore(place["urls"][kind], read_only=not cached)
    if cached:
        store = CacheStore(store, cache_store=MemoryStore(), max_size=256 << 20)
    return zarr.open_array(store, mode="r")


def work(library: str, row: str, place: dict[str, Any], repetitions: int) -> dict[str, Any]:
    """Times one row in this process: the first time, and the best of the times after it."""
    kind, action = ROWS[row]
    name, _, cached = library.partition(", ")
    array = (ours if name == "zarrite" else theirs)(place, kind, bool(cached))
    # What every process loads with its first read is no part of it.
    array[SIDE - 1, SIDE - 1]
    times = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        action(array)
        times.append(time.perf_counter() - start)
    return {"cold": times[0], "warm": min(times[1:]), "sum": int(np.asarray(array[...]).sum())}


def compare(pythons: Mapping[str, str | Path], root: Path, rounds: int, repetitions: int) -> dict[str, Any]:
    """The median seconds of every library, cold and warm, by row."""
    sys.path.insert(0, str(BENCH.parent / "tests"))
    from servers.steer import ServerProcess

    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    root.mkdir(parents=True, exist_ok=True)
    server = ServerProcess()
    try:
        place = {
            "urls": {"local": str(root / "a"), "sharded": str(root / "s"), "far": f"s3://{server.bucket}/a"},
            "options": server.options(),
        }
        run(pythons["zarrite"], "--prepare", json.dumps(place))
        server.turn(latency=LATENCY_S)
        for _ in range(rounds):
            for row in ROWS:
                sums = set()
                for library in VARIANTS:
                    python = pythons.get(library.partition(", ")[0])
                    if python is None:
                        continue
                    done = json.loads(run(python, "--work", library, row, json.dumps(place), "--n", str(repetitions)))
                    sums.add(done["sum"])
                    for when in ("cold", "warm"):
                        times = found.setdefault(row, {}).setdefault(library, {}).setdefault(when, [])
                        times.append(done[when])
                if len(sums) != 1:
                    raise SystemExit(f"{row}: libraries read other cells")
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)
    return {
        row: {
            library: {when: statistics.median(all_of) for when, all_of in times.items()}
            for library, times in of.items()
        }
        for row, of in found.items()
    }


def run(python: str | Path, *options: str) -> str:
    """What this script prints in another interpreter."""
    done = subprocess.run([python, __file__, *options], check=False, stdout=subprocess.PIPE, text=True, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{python} {' '.join(options)} ended with {done.returncode}")
    return done.stdout


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--root", type=Path, help="folder for the stores, on a tmpfs")
    words.add_argument("--python", action="append", default=[], help="LIBRARY=INTERPRETER, one for each library")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--n", type=int, default=3, help="warm repetitions in each process")
    words.add_argument("--page", type=Path, help="a page whose table is written")
    words.add_argument("--prepare", help=argparse.SUPPRESS)
    words.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.prepare:
        prepare(json.loads(options.prepare))
    elif options.work:
        library, row, place = options.work
        print(json.dumps(work(library, row, json.loads(place), options.n)))
    else:
        pythons = dict(pair.split("=", 1) for pair in options.python)
        found = compare(pythons, options.root, options.rounds, options.n)
        print(json.dumps(found, indent=1))
        if options.page:
            import table

            table.fill(options.page, "caches", table.caches(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
