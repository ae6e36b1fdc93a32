"""Measures reads and writes over a network with latency: zarrite beside other libraries, and beside bare connections.

The server is the engine's example `s3_server`, in a process of its own: it keeps objects in memory and waits a set
time before each answer. One process for each library, row and latency, in turns; the first repetition is not counted.
"floor" sends the same requests over 256 bare connections and looks at nothing (the example `s3_floor`). Run by
`make bench`; alone:

    cargo build --release -p zarrite-engine --examples
    python bench/remote.py --tools target/release/examples --latency 0.02 --rows chunks.read,shard.read
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

OURS = "zarrite"
ALONE = "memory"
"""Ours, with the same array in this process' memory: what is computed, without a network."""
LIBRARIES = (OURS, "zarr", "zarr+zarrs", "zarrista", "tensorstore")
LATENCIES = (0.0, 0.02, 0.05)
BUCKET = "bucket"
SIDE, CHUNK, SHARD = 512, 32, 128
SHARDS = (SIDE // SHARD) ** 3
INDEX_BYTES = 16 * (SHARD // CHUNK) ** 3 + 4
SINGLE = 32
"""Inner chunks that are read, or written, one after another."""
PLANE = 100
ROWS = tuple(
    f"{name}.{action}" for name in ("chunks", "shard", "inner", "slice", "plane") for action in ("read", "write")
)
LIMIT_S = 60.0
"""What takes longer is not waited for."""


def volume() -> Any:
    """A smooth field with noise in its low bits, 256 MiB of uint16."""
    z, y, x = (np.linspace(0, 12, SIDE, dtype="float32") for _ in range(3))
    plane = np.cos(y)[:, None] * np.sin(x)
    random = np.random.default_rng(0)
    out = np.empty((SIDE, SIDE, SIDE), "uint16")
    for at in range(SIDE):
        smooth = (9000 * np.sin(z[at]) * plane + 20000).astype("uint16") // 64 * 64
        out[at] = smooth + random.integers(0, 64, plane.shape, dtype="uint16")
    return out


def document(sharded: bool) -> bytes:
    """The metadata of an array: 4,096 chunks of 64 KiB, uncompressed, or the same cells in 64 shards, with zstd."""
    plain: list[dict[str, Any]] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    codecs = plain
    if sharded:
        inner = [*plain, {"name": "zstd", "configuration": {"level": 3, "checksum": False}}]
        codecs = [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": [CHUNK] * 3,
                    "codecs": inner,
                    "index_codecs": [*plain, {"name": "crc32c"}],
                    "index_location": "end",
                },
            }
        ]
    return json.dumps(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [SIDE] * 3,
            "data_type": "uint16",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [SHARD if sharded else CHUNK] * 3}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": codecs,
            "attributes": {},
        }
    ).encode()


def array_of(row: str) -> str:
    """The array of a row; writes go to one of their own."""
    name, action = row.split(".")
    return f"{'chunks' if name in ('chunks', 'slice') else 'shard'}{'-w' if action == 'write' else ''}"


def selections(row: str) -> list[tuple[slice, ...]]:
    """What is read or written, one request after another."""
    name = row.split(".", maxsplit=1)[0]
    if name in ("slice", "plane"):
        return [(slice(None), slice(None), slice(PLANE, PLANE + 1))]
    if name == "inner":
        places = np.random.default_rng(5).integers(0, SIDE // CHUNK, (SINGLE, 3))
        return [tuple(slice(int(at) * CHUNK, int(at + 1) * CHUNK) for at in place) for place in places]
    return [(slice(None),) * 3]


class Blocking:
    """A library whose calls block."""

    array: Any

    def read(self, selection: tuple[slice, ...]) -> Any:
        return self.array[selection]

    def write(self, selection: tuple[slice, ...], values: Any) -> None:
        self.array[selection] = values


class Zarrite(Blocking):
    """Ours."""

    def __init__(self, url: str, name: str) -> None:
        import zarrite

        options = {"endpoint_url": url, "key": "key", "secret": "secret"}
        self.array = zarrite.open_array(f"s3://{BUCKET}/{name}", mode="r+", storage_options=options)


class Alone(Blocking):
    """Ours, without a network."""

    def __init__(self, name: str) -> None:
        import zarrite

        sharded = name.startswith("shard")
        self.array = zarrite.create_array(
            zarrite.storage.MemoryStore(),
            shape=(SIDE,) * 3,
            chunks=(CHUNK,) * 3,
            shards=(SHARD,) * 3 if sharded else None,
            dtype="uint16",
            compressors=zarrite.codecs.ZstdCodec(level=3) if sharded else None,
            fill_value=0,
        )
        self.array[...] = volume()


def s3_store(url: str, prefix: str | None = None) -> Any:
    """The store that zarr-python, zarrs and zarrista share."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        prefix=prefix,
        endpoint=url,
        access_key_id="key",
        secret_access_key="secret",  # noqa: S106  (the server looks at no signature)
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


class Zarr(Blocking):
    """zarr-python, on obstore; with zarrs as its pipeline as well."""

    def __init__(self, url: str, name: str, pipeline: str | None = None) -> None:
        import zarr

        zarr.config.set({"async.concurrency": 256})
        if pipeline is not None:
            zarr.config.set({"codec_pipeline.path": pipeline, "threading.max_workers": 256})
        self.array = zarr.open_array(zarr.storage.ObjectStore(s3_store(url, name)), mode="r+")


class Zarrista:
    """Its asynchronous array, on obstore."""

    def __init__(self, url: str, name: str) -> None:
        import zarrista

        self._loop = asyncio.new_event_loop()
        self._array = self._loop.run_until_complete(_awaited(zarrista.AsyncArray.open, s3_store(url), f"/{name}"))

    def read(self, selection: tuple[slice, ...]) -> Any:
        return np.asarray(self._loop.run_until_complete(_awaited(self._array.retrieve_array_subset, selection)))

    def write(self, selection: tuple[slice, ...], values: Any) -> None:
        values = np.ascontiguousarray(values)
        self._loop.run_until_complete(_awaited(self._array.store_array_subset, selection, values))


async def _awaited(call: Any, *arguments: Any) -> Any:
    return await call(*arguments)


class TensorStore:
    """Without its cache, as the others."""

    def __init__(self, url: str, name: str) -> None:
        os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")  # noqa: S106
        import tensorstore

        context = {"cache_pool": {"total_bytes_limit": 0}, "s3_request_concurrency": {"limit": 256}}
        store = {
            "driver": "s3",
            "bucket": BUCKET,
            "path": f"{name}/",
            "endpoint": url,
            "aws_region": "us-east-1",
            "aws_credentials": {"type": "environment"},
        }
        opened = tensorstore.open({"driver": "zarr3", "kvstore": store}, context=tensorstore.Context(context))
        self._array = opened.result()

    def read(self, selection: tuple[slice, ...]) -> Any:
        return self._array[selection].read().result()

    def write(self, selection: tuple[slice, ...], values: Any) -> None:
        self._array[selection].write(values).result()


def library(name: str, url: str, array: str) -> Any:
    """An array opened by a library."""
    if name == "zarr+zarrs":
        return Zarr(url, array, "zarrs.ZarrsCodecPipeline")
    if name == ALONE:
        return Alone(array)
    return {OURS: Zarrite, "zarr": Zarr, "zarrista": Zarrista, "tensorstore": TensorStore}[name](url, array)


def work(name: str, row: str, url: str, repetitions: int) -> dict[str, Any]:
    """Does one row in this process: its seconds after the first time, and the most memory held."""
    array = library(name, url, array_of(row))
    asked, reads = selections(row), row.endswith(".read")
    values: Any = None if reads else volume()
    times, sums = [], 0
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        for selection in asked:
            if reads:
                sums += int(array.read(selection)[..., 0].sum())
            else:
                array.write(selection, values[selection])
        times.append(time.perf_counter() - start)
        if times[-1] > LIMIT_S / 3:
            break
    status = Path("/proc/self/status")
    peak = next((line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")), "0")
    return {"seconds": times[1:] or times, "memory": int(peak) / 1024, "sum": sums // len(times)}


class Served:
    """A server that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request(method, f"/{path}", body)
            return connection.getresponse().read()
        finally:
            connection.close()

    def latency(self, seconds: float) -> None:
        """What passes before each answer from now on."""
        self.ask("PUT", f"_latency?{seconds}")


@contextmanager
def served(tools: Path) -> Iterator[Served]:
    """A fresh server."""
    with subprocess.Popen([tools / "s3_server"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(process.stdout.readline().strip())
        finally:
            process.terminate()


def requests(row: str, shard_bytes: int) -> str:
    """The requests of a row as `s3_floor` takes them; an empty line is a wait for the answers before."""
    name, action = row.split(".")
    sharded, writes = name not in ("chunks", "slice"), action == "write"
    folder = f"{BUCKET}/{'floor' if writes else array_of(row)}/c"
    step = SHARD if sharded else CHUNK
    third = [PLANE // step] if name in ("slice", "plane") else range(SIDE // step)
    keys = [f"{folder}/{z}/{y}/{x}" for z in range(SIDE // step) for y in range(SIDE // step) for x in third]
    size = shard_bytes if sharded else 2 * CHUNK**3
    puts = [f"PUT {key} {size}" for key in keys]
    gets = [f"GET {BUCKET}/{array_of(row)}/c{key.removeprefix(folder)}" for key in keys]
    if name == "inner":
        places = [[int(axis.start) // SHARD for axis in selection] for selection in selections(row)]
        keys = [f"{folder}/{z}/{y}/{x}" for z, y, x in places]
        inner = shard_bytes // (SHARD // CHUNK) ** 3
        read = f"{BUCKET}/{array_of(row)}/c"
        keys = [key.removeprefix(folder) for key in keys]
        phases = [
            [f"GET {read}{key}", "", f"PUT {folder}{key} {size}"] if writes else [f"GET {read}{key} 0 {inner}"]
            for key in keys
        ]
        return "\n\n".join("\n".join(phase) for phase in phases)
    if name == "slice" and not writes:
        # A plane of an uncompressed chunk: from its first wanted byte to its last.
        return "\n".join(f"{get} 0 {size - 1}" for get in gets)
    if name in ("slice", "plane") and writes:
        return "\n".join([*gets, "", *puts])
    if writes:
        return "\n".join(puts)
    if not sharded:
        return "\n".join(gets)
    indexes = [f"{get} {INDEX_BYTES}" for get in gets]
    per_axis = SHARD // CHUNK
    parts, inner = (
        (per_axis**2, size // per_axis**3) if name == "plane" else (max(1, size >> 20), size // max(1, size >> 20))
    )
    ranges = [f"{get} {part * inner} {(part + 1) * inner - 1}" for get in gets for part in range(parts)]
    return "\n".join([*indexes, "", *ranges])


def prepare(name: str, url: str) -> int:
    """Fills the arrays, and says how many bytes a shard has."""
    server = Served(url)
    for array in ("chunks", "shard", "chunks-w", "shard-w"):
        server.ask("PUT", f"{BUCKET}/{array}/zarr.json", document(array.startswith("shard")))
        library(name, url, array).write((slice(None),) * 3, volume())
    return len(server.ask("GET", f"{BUCKET}/shard/c/0/0/0"))


def compare(
    python: str | Path,
    tools: Path,
    latencies: tuple[float, ...],
    rows: tuple[str, ...],
    libraries: tuple[str, ...],
    repetitions: int,
) -> dict[str, dict[str, Any]]:
    """The median seconds of every library, by row and latency."""
    found: dict[str, dict[str, Any]] = {}
    for latency in latencies:
        with served(tools) as server:
            options = [python, __file__, "--tools", tools, "--url", server.url]
            shard_bytes = int(run([*options, "--prepare"]) or 0)
            server.latency(latency)
            for row in rows:
                median, memory, sums = {}, {}, {}
                for name in (*libraries, ALONE):
                    said = run([*options, "--work", name, row, "--n", str(repetitions)])
                    if said is None:
                        continue
                    done = json.loads(said.splitlines()[-1])
                    median[name], memory[name] = statistics.median(done["seconds"]), done["memory"]
                    sums[name] = done["sum"]
                if len(set(sums.values())) > 1:
                    raise SystemExit(f"{row}: not every library read the same cells: {sums}")
                bare = [
                    float(run([tools / "s3_floor", server.url], requests(row, shard_bytes)) or 0)
                    for _ in range(repetitions)
                ]
                label = f"{row} {latency * 1e3:.0f} ms"
                alone = median.pop(ALONE, None)
                found[label] = {"median": median, "rss": memory, "limit": statistics.median(bare), "alone": alone}
                told = "  ".join(f"{name}: {seconds * 1e3:.0f}" for name, seconds in median.items())
                bounds = f"floor: {found[label]['limit'] * 1e3:.0f}  memory: {(alone or 0) * 1e3:.0f}"
                print(f"{label}  {told}  {bounds}", file=sys.stderr, flush=True)
    return found


def run(command: list[Any], given: str | None = None) -> str | None:
    """What a command prints; None when it takes too long."""
    words = [str(word) for word in command]
    many = {"RAYON_NUM_THREADS": "256"} if any(word in words for word in ("zarr+zarrs", "zarrista")) else {}
    try:
        done = subprocess.run(
            words, check=True, input=given, capture_output=True, text=True, timeout=LIMIT_S, env=os.environ | many
        )
    except subprocess.TimeoutExpired:
        return None
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(words)}:\n{error.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return done.stdout


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tools", type=Path, required=True, help="folder of s3_server and s3_floor")
    words.add_argument("--python", default=sys.executable, help="an interpreter that has every library")
    words.add_argument("--latency", default=",".join(map(str, LATENCIES)), help="seconds, with commas between")
    words.add_argument("--rows", default=",".join(ROWS))
    words.add_argument("--libraries", default=",".join(LIBRARIES))
    words.add_argument("--n", type=int, default=3, help="repetitions in each process")
    words.add_argument("--page", type=Path, help="a page whose table is written")
    words.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("--url", help=argparse.SUPPRESS)
    words.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.prepare:
        print(prepare(OURS, options.url))
    elif options.work:
        library, row = options.work
        print(json.dumps(work(library, row, options.url, options.n)))
    else:
        latencies = tuple(float(word) for word in options.latency.split(","))
        rows, libraries = tuple(options.rows.split(",")), tuple(options.libraries.split(","))
        found = compare(options.python, options.tools.resolve(), latencies, rows, libraries, options.n)
        print(json.dumps(found, indent=1))
        if options.page:
            import table

            table.fill(options.page, "remote", table.every(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
