"""Measures what users of other libraries wait for: datasets and trees of xarray, loaders of PyTorch.

One process for each library and row, in turns; each does a row once without being timed, as every program loads its
libraries once. xarray runs on zarrite and on zarr-python, as it comes and with its fused pipeline; zarrista and
TensorStore, which xarray does not know, do the same work on the arrays themselves. All read the same stores, which
zarrite wrote, on a tmpfs. Run by `make bench`, with `--torch` for the loaders; alone:

    python bench/libraries.py --python PYTHON --torch PYTHON_WITH_TORCH --root DIR
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

OURS = "zarrite"
LIBRARIES = (OURS, "zarr", "zarr+fused", "zarrista", "tensorstore")
FUSED = "zarr.core.codec_pipeline.FusedCodecPipeline"

TIMES, ROWS_OF_MAP, COLUMNS = 480, 256, 512
CHUNKS = (40, 128, 128)
SIDE, CHUNK, SHARD = 384, 32, 128
CROP, CROPS, BATCH = 64, 128, 8
GROUPS = 1000


def cube(times: int) -> Any:
    """A smooth field with noise, float32, `times` maps of half a MiB each."""
    y, x = (np.linspace(0, 12, length, dtype="f4") for length in (ROWS_OF_MAP, COLUMNS))
    plane = np.cos(y)[:, None] * np.sin(x)
    random = np.random.default_rng(0)
    out = np.empty((times, ROWS_OF_MAP, COLUMNS), "f4")
    for at in range(times):
        noise = random.integers(0, 64, plane.shape, dtype="u1")
        out[at] = 280 + 20 * plane * np.float32(np.sin(at / 40)) + noise * np.float32(1 / 64)
    return out.round(2)


def volume() -> Any:
    """A smooth field with noise in its low bits, uint16."""
    z, y, x = (np.linspace(0, 12, SIDE, dtype="f4") for _ in range(3))
    plane = np.cos(y)[:, None] * np.sin(x)
    random = np.random.default_rng(0)
    smooth = [(9000 * np.sin(at) * plane + 20000).astype("u2") // 64 * 64 for at in z]
    return np.stack([cells + random.integers(0, 64, plane.shape, dtype="u2") for cells in smooth])


def dataset(times: int) -> Any:
    """The cube as xarray has it."""
    import xarray as xr

    coordinates = {
        "time": np.datetime64("2000-01-01", "ns") + np.arange(times) * np.timedelta64(1, "D"),
        "y": np.arange(float(ROWS_OF_MAP)),
        "x": np.arange(float(COLUMNS)),
    }
    return xr.Dataset({"t": (("time", "y", "x"), cube(times), {"units": "K"})}, coordinates)


def encoding() -> dict[str, Any]:
    """How the cube is stored, in words that zarrite and zarr-python both read: chunks of 2.5 MiB, zstd."""
    return {"t": {"chunks": CHUNKS}}


def prepare(root: Path, gib: float) -> None:
    """Writes what is read."""
    import xarray as xr

    import zarrite.xarray

    zarrite.xarray.to_zarr(dataset(TIMES), root / "cube", encoding=encoding())
    array = zarrite.create_array(
        root / "volume", shape=(SIDE,) * 3, chunks=(CHUNK,) * 3, shards=(SHARD,) * 3, dtype="uint16"
    )
    array[...] = volume()
    leaf = xr.Dataset({"a": ("x", np.arange(10.0)), "b": ("x", np.arange(10))}, {"x": np.arange(10)})
    leaves = {f"/run{i // 100}/sample{i:03d}": leaf for i in range(GROUPS - GROUPS // 100)}
    tree = xr.DataTree.from_dict(leaves)
    zarrite.xarray.to_zarr(tree, root / "tree", consolidated=True)
    zarrite.xarray.to_zarr(tree, root / "listed", consolidated=False)
    # Room for what is written, so that no row pays for the first touch of the tmpfs.
    np.save(root / "source.npy", cube(max(CHUNKS[0], int(gib * 2**30 / (4 * ROWS_OF_MAP * COLUMNS)))))


# ---------------------------------------------------------------- libraries


class OnXarray:
    """A library below xarray."""

    def __init__(self, name: str) -> None:
        self.ours = name == OURS
        if name == "zarr+fused":
            import zarr

            zarr.config.set({"codec_pipeline.path": FUSED})

    def _how(self) -> dict[str, Any]:
        if not self.ours:
            return {"engine": "zarr"}
        from zarrite.xarray import ZarriteBackendEntrypoint

        return {"engine": ZarriteBackendEntrypoint}

    def mean(self, root: Path, chunks: Any = None) -> float:
        import xarray as xr

        with xr.open_dataset(root / "cube", chunks=chunks, **self._how()) as opened:
            return float(opened["t"].mean())

    def mean_dask(self, root: Path) -> float:
        return self.mean(root, {})

    def series(self, root: Path) -> float:
        import xarray as xr

        with xr.open_dataset(root / "cube", **self._how()) as opened:
            return float(opened["t"].sel(y=100.0, x=300.0).load().sum(dtype="f8"))

    def map(self, root: Path) -> float:
        import xarray as xr

        with xr.open_dataset(root / "cube", **self._how()) as opened:
            return float(opened["t"].sel(time="2000-06-01").load().sum(dtype="f8"))

    def write(self, root: Path, chunks: Any = None) -> Callable[[], float]:
        import xarray as xr

        cells = np.load(root / "source.npy")
        data = xr.Dataset({"t": (("time", "y", "x"), cells)})
        if chunks:
            data = data.chunk(chunks)

        def written() -> float:
            if self.ours:
                from zarrite.xarray import to_zarr

                to_zarr(data, root / "written", mode="w", encoding=encoding())
            else:
                data.to_zarr(root / "written", mode="w", encoding=encoding())
            return 0.0

        return written

    def write_dask(self, root: Path) -> Callable[[], float]:
        return self.write(root, {"time": CHUNKS[0], "y": CHUNKS[1], "x": CHUNKS[2]})

    def tree(self, root: Path, name: str = "tree") -> float:
        import xarray as xr

        how: dict[str, Any] = {} if name == "tree" else {"consolidated": False}
        with xr.open_datatree(root / name, **self._how(), **how) as opened:
            return float(sum(1 for _ in opened.subtree))

    def listed(self, root: Path) -> float:
        return self.tree(root, "listed")

    def array(self, path: Path) -> Any:
        if self.ours:
            import zarrite

            return zarrite.open_array(path, mode="r")
        import zarr

        return zarr.open_array(path, mode="r")


class OnArrays:
    """A library that xarray does not know, on the arrays themselves."""

    ours = False

    array: Callable[[Path], Any]

    def mean(self, root: Path) -> float:
        # As xarray does it: what is not a number is left out.
        return float(np.nanmean(self.array(root / "cube" / "t")[:, :, :]))

    def series(self, root: Path) -> float:
        return float(self.array(root / "cube" / "t")[:, 100:101, 300:301].sum(dtype="f8"))

    def map(self, root: Path) -> float:
        return float(self.array(root / "cube" / "t")[152:153].sum(dtype="f8"))


class Cells:
    """An array of another library, in NumPy's words."""

    def __init__(self, array: Any, read: Callable[[Any, Any], Any]) -> None:
        self._array = array
        self._read = read

    def __getitem__(self, key: Any) -> Any:
        return self._read(self._array, key)


class Zarrista(OnArrays):
    """Its blocking array."""

    def array(self, path: Path) -> Any:
        import zarrista
        from zarrista.store import FilesystemStore

        opened = zarrista.Array.open(FilesystemStore(str(path)))
        return Cells(opened, lambda array, key: np.asarray(array.retrieve_array_subset(key)))

    def write(self, root: Path) -> Callable[[], float]:
        cells = np.load(root / "source.npy")

        def written() -> float:
            import zarrista
            from zarrista.store import FilesystemStore

            path = as_array(root, cells.shape)
            zarrista.Array.open(FilesystemStore(str(path))).store_array_subset((slice(None),) * 3, cells)
            return 0.0

        return written


class TensorStore(OnArrays):
    """Without its cache, and without asking the disk for more than the others."""

    def _open(self, path: Path) -> Any:
        import tensorstore

        context = tensorstore.Context({"cache_pool": {"total_bytes_limit": 0}, "file_io_sync": False})
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}
        return tensorstore.open(spec, context=context).result()

    def array(self, path: Path) -> Any:
        return Cells(self._open(path), lambda array, key: array[key].read().result())

    def write(self, root: Path) -> Callable[[], float]:
        cells = np.load(root / "source.npy")

        def written() -> float:
            self._open(as_array(root, cells.shape)).write(cells).result()
            return 0.0

        return written


def as_array(root: Path, shape: tuple[int, ...]) -> Path:
    """The document of an array such as xarray makes for the cube, alone in its folder."""
    path = root / "written"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    document = json.loads((root / "cube" / "t" / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps({**document, "shape": list(shape)}))
    return path


# ---------------------------------------------------------------- loaders


class Opened:
    """Crops as a user of a library without loaders writes them: a map-style dataset."""

    def __init__(self, library: str, path: Path) -> None:
        self._library, self._path, self._array = library, path, None

    def __len__(self) -> int:
        return CROPS

    def __getitem__(self, number: int) -> Any:
        import torch

        if self._array is None:  # in each worker: not every library's handles can be pickled
            self._array = chosen(self._library).array(self._path)
        assert self._array is not None
        return torch.from_numpy(self._array[tuple(slice(at, at + CROP) for at in places()[number])])

    def __getstate__(self) -> Any:
        return self._library, self._path

    def __setstate__(self, state: Any) -> None:
        self._library, self._path = state
        self._array = None


def places() -> Any:
    """The first cells of the crops."""
    return np.random.default_rng(3).integers(0, SIDE - CROP + 1, (CROPS, 3)).tolist()


def loader(library: str, root: Path, workers: int) -> Callable[[], float]:
    """One epoch of random crops in batches."""
    from torch.utils.data import DataLoader

    # Workers stay from one epoch to the next, as whoever trains wants it.
    how: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
    if workers:
        how["multiprocessing_context"] = "spawn"
    if library == OURS:
        from zarrite.torch import CropStream

        stream = CropStream(root / "volume", (CROP,) * 3, origins=places(), batch_size=BATCH, seed=0)
        batches = DataLoader(stream, batch_size=None, **how)
    else:
        batches = DataLoader(Opened(library, root / "volume"), batch_size=BATCH, shuffle=True, **how)

    def epoch() -> float:
        return float(sum(int(batch[:, 0, 0, 0].long().sum()) for batch in batches))

    return epoch


# ---------------------------------------------------------------- rows


def chosen(name: str) -> Any:
    """A library by its name."""
    return (
        {"zarrista": Zarrista, "tensorstore": TensorStore}[name]()
        if name in {"zarrista", "tensorstore"}
        else (OnXarray(name))
    )


READS = {
    "mean": "mean",
    "mean, dask": "mean_dask",
    "series at a point": "series",
    "map at a time": "map",
    "open a tree, consolidated": "tree",
    "open a tree, listed": "listed",
}
WRITES = {"to_zarr": "write", "to_zarr, dask": "write_dask"}
LOADERS = {"crops, no workers": 0, "crops, 2 workers": 2}
ROWS = (*READS, *WRITES, *LOADERS)


def work(name: str, row: str, root: Path, repetitions: int) -> dict[str, Any] | None:
    """Times one row in this process; `None` where the library has nothing of the kind."""
    library = chosen(name)
    if row in LOADERS:
        act = loader(name, root, LOADERS[row])
    elif row in WRITES:
        method = getattr(library, WRITES[row], None)
        if method is None:
            return None
        act = method(root)
    else:
        method = getattr(library, READS[row], None)
        if method is None:
            return None

        def act() -> float:
            return float(method(root))

    times, answer = [], 0.0
    for _ in range(repetitions + 1):
        if row in WRITES:
            shutil.rmtree(root / "written", ignore_errors=True)
        start, busy = time.perf_counter(), time.process_time()
        answer = act()
        times.append((time.perf_counter() - start, time.process_time() - busy))
    return {"seconds": [one for one, _ in times[1:]], "busy": [one for _, one in times[1:]], "answer": answer}


def compare(
    python: str | Path,
    torch: str | Path | None,
    root: Path,
    *,
    rounds: int = 3,
    repetitions: int = 3,
    gib: float = 0.5,
    rows: tuple[str, ...] = ROWS,
    libraries: tuple[str, ...] = LIBRARIES,
) -> dict[str, dict[str, Any]]:
    """The median seconds of every library, by row."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    found: dict[str, dict[str, list[float]]] = {}
    busy: dict[str, dict[str, list[float]]] = {}
    try:
        run(python, "--prepare", "--root", str(root), "--gib", str(gib))
        for row in [row for row in rows for _ in range(rounds)]:
            answers = []
            for name in libraries:
                interpreter = torch if row in LOADERS else python
                if interpreter is None:
                    continue
                said = run(interpreter, "--work", name, row, "--root", str(root), "--n", str(repetitions))
                done = json.loads(said.splitlines()[-1])
                if done is None:
                    continue
                found.setdefault(row, {}).setdefault(name, []).extend(done["seconds"])
                if not LOADERS.get(row):  # what workers do is counted in processes of their own
                    busy.setdefault(row, {}).setdefault(name, []).extend(done["busy"])
                answers.append(done["answer"])
            if answers and not np.allclose(answers, answers[0], rtol=1e-4):
                raise SystemExit(f"{row}: libraries found other cells: {answers}")
            for kind, times in (("clock", found), ("processor", busy)):
                told = {name: f"{seconds * 1e3:.1f}" for name, seconds in medians(times.get(row, {})).items()}
                print(row, kind, told, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return {row: {"median": medians(found[row]), "busy": medians(busy.get(row, {}))} for row in found}


def medians(of: Mapping[str, list[float]]) -> dict[str, float]:
    """The middle time of each library."""
    return {name: statistics.median(times) for name, times in of.items()}


def run(python: str | Path, *options: str) -> str:
    """What this script prints in another interpreter."""
    done = subprocess.run([python, __file__, *options], check=False, stdout=subprocess.PIPE, text=True, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{python} {' '.join(options)} ended with {done.returncode}")
    return done.stdout


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--root", type=Path, required=True, help="folder for the stores, on a tmpfs")
    words.add_argument(
        "--python", default=sys.executable, help="an interpreter that has xarray, dask and the libraries"
    )
    words.add_argument("--torch", help="an interpreter that has PyTorch and the libraries")
    words.add_argument("--rows", default=";".join(ROWS), help="with semicolons between")
    words.add_argument("--libraries", default=",".join(LIBRARIES))
    words.add_argument("--gib", type=float, default=0.5, help="how much is written")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--n", type=int, default=3, help="repetitions in each process")
    words.add_argument("--page", type=Path, help="a page whose table is written")
    words.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.prepare:
        prepare(options.root, options.gib)
    elif options.work:
        name, row = options.work
        print(json.dumps(work(name, row, options.root, options.n)))
    else:
        found = compare(
            options.python,
            options.torch,
            options.root,
            rounds=options.rounds,
            repetitions=options.n,
            gib=options.gib,
            rows=tuple(options.rows.split(";")),
            libraries=tuple(options.libraries.split(",")),
        )
        print(json.dumps(found, indent=1))
        if options.page:
            import table

            table.fill(options.page, "libraries", table.libraries(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
