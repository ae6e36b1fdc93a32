"""Arrays as zarr-python's own strategies draw them, written by one library and read by the other.

`python tests/conformance/cross_fuzz.py [EXAMPLES [SEED]]`, in a Python that has zarr-python 3.4, hypothesis and
zarrite. An example is one drawn array with its cells, in a folder: zarr-python writes, zarrite reads, zarrite changes
a part and zarr-python reads; then zarrite writes the same settings anew and zarr-python reads. Results are compared bit
by bit, by whole arrays and by drawn selections of every kind. What was tried is printed as a line of JSON for every
thousand examples, the last of them the sum.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import zarr
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st
from zarr.storage import LocalStore
from zarr.testing import strategies as drawn

import zarrite

PIPELINE = "zarr.core.codec_pipeline.FusedCodecPipeline"
"""The faster of the two that zarr-python has."""
BATCH = 1000
"""So many examples begin anew from a seed of their own."""
MEMORY = Path("/dev/shm")
"""A folder in memory, where there is one."""
Cells = np.ndarray[Any, Any]
tried: Counter[str] = Counter()


def bits(cells: Any) -> Any:
    """What two results are compared by: their bytes in this machine's order."""
    found = np.asarray(cells)
    native = found.dtype.newbyteorder("=")
    return native, found.shape, found.astype(native).tobytes()


def same(what: str, got: Any, expected: Any) -> None:
    """Fails when two results differ in any bit."""
    expected = np.asarray(expected)
    got = np.asarray(got)
    if got.dtype != expected.dtype and got.shape == () == expected.shape:
        got = got.astype(expected.dtype)  # a scalar text is as long as it is
    assert bits(got) == bits(expected), f"{what}: {got!r} and not {expected!r}"


# ---------------------------------------------------------------- what is drawn


KINDS = (*("any",) * 4, *("sharded", "rectilinear") * 2, "records", "swapped", "many chunks")


def draws(dtype: np.dtype[Any]) -> bool:
    """Whether records can be drawn: hypothesis has no raw bytes, and zarr-python writes no times inside records."""
    if dtype.names:
        return all(draws(dtype[name]) for name in dtype.names)
    return dtype.kind not in "VmM"


def swapped(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same data type in the other byte order."""
    return dtype.newbyteorder("S")


@st.composite
def theirs(draw: st.DrawFn, folder: Path) -> tuple[Any, Cells]:
    """An array that zarr-python wrote below a folder, and its cells."""
    kind = draw(st.sampled_from(KINDS), label="kind")
    if kind in ("any", "records", "swapped"):
        records = drawn.structured_dtypes().filter(draws)
        kinds = {"any": st.none(), "records": records, "swapped": drawn.dtypes().map(swapped)}
        cells = draw(kinds[kind].flatmap(lambda dtype: drawn.numpy_arrays(dtype=dtype)), label="cells")
        made = drawn.arrays(stores=st.builds(LocalStore, st.just(str(folder))), arrays=st.just(cells))
        return draw(made, label="array"), cells
    if kind == "many chunks":
        cells, array = draw(drawn.complex_rectilinear_arrays(), label="array")
    else:
        array = draw(drawn.sharded_arrays() if kind == "sharded" else drawn.rectilinear_arrays(), label="array")
        cells = array[...]
    for key, buffer in array.store._store_dict.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.to_bytes())
    return zarr.open_array(str(folder), path=array.path, mode="r+"), cells


@st.composite
def selections(draw: st.DrawFn, array: Any, shape: tuple[int, ...]) -> tuple[str, Any, Any, bool]:
    """How cells are named: the door, the key for it, NumPy's key for the same, and whether it can be written to."""
    doors = ["basic", "mask"]
    if 0 not in shape and shape:
        doors += ["orthogonal", "block", "coordinate"]
    door = draw(st.sampled_from(doors), label="door")
    if door == "basic":
        key = draw(drawn.basic_indices(shape=shape), label="key")
        return door, key, key, True
    if door == "mask":
        mask = draw(npst.arrays(np.bool_, shape), label="key")
        return door, mask, mask, True
    if door == "orthogonal":
        key, broad = draw(drawn.orthogonal_indices(shape=shape), label="key")
        return door, key, broad, all(unlike(one, length) for one, length in zip(key, shape, strict=True))
    if door == "block":
        key, slices = draw(drawn.block_indices(chunk_sizes=array.write_chunk_sizes), label="key")
        return door, key, slices, True
    coordinates = npst.integer_array_indices(shape=shape, result_shape=npst.array_shapes(min_side=1, max_dims=3))
    key = draw(coordinates, label="key")
    places = np.stack([(one % length).ravel() for one, length in zip(np.broadcast_arrays(*key), shape, strict=True)])
    return door, key, key, np.unique(places, axis=1).shape == places.shape


def unlike(key: Any, length: int) -> bool:
    """Whether a key names no place twice."""
    return not isinstance(key, np.ndarray) or np.unique(key % length).size == key.size


def door(array: Any, name: str) -> Any:
    """What stands before the brackets, for either library."""
    if name == "basic":
        return array
    return {"orthogonal": array.oindex, "block": array.blocks}.get(name, array.vindex)


# ---------------------------------------------------------------- one example


def settings_of(array: Any, *, by_shards: bool) -> dict[str, Any]:
    """What `zarrite.create_array` takes to make an array like one of zarr-python's."""
    document = array.metadata.to_dict()
    made: dict[str, Any] = {
        "shape": array.shape,
        "dtype": array.dtype,
        "fill_value": array.fill_value,
        "attributes": dict(array.attrs),
        "zarr_format": array.metadata.zarr_format,
    }
    if array.metadata.zarr_format == 2:
        return {
            **made,
            "chunks": array.chunks,
            "order": array.order,
            "filters": array.filters or None,
            "compressors": array.compressors or None,
            "chunk_key_encoding": {"name": "v2", "separator": array.metadata.dimension_separator},
        }
    made["dimension_names"] = array.metadata.dimension_names
    made["chunks"] = [list(one) if isinstance(one, tuple) else one for one in lengths_of(array)]
    codecs = [dict(one) for one in document["codecs"]]
    if by_shards and len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed":
        inner = codecs[0]["configuration"]
        made["shards"], made["chunks"] = made["chunks"], list(inner["chunk_shape"])
        codecs = list(inner["codecs"])
    at = next(place for place, one in enumerate(codecs) if one["name"] in ("bytes", "sharding_indexed"))
    filters, serializer, compressors = codecs[:at] or None, codecs[at], codecs[at + 1 :] or None
    return {**made, "filters": filters, "serializer": serializer, "compressors": compressors}


def alike(ours: Any, array: Any) -> None:
    """Fails when the two libraries say different things of one array."""
    assert ours.shape == array.shape
    assert ours.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert ours.shards == array.shards
    assert ours.write_chunk_sizes == array.write_chunk_sizes
    assert ours.read_chunk_sizes == array.read_chunk_sizes
    assert dict(ours.attrs) == dict(array.attrs)
    assert ours.metadata.zarr_format == array.metadata.zarr_format
    if array.metadata.zarr_format == 3:
        assert ours.dimension_names == array.metadata.dimension_names
    if array.fill_value is None:
        assert ours.fill_value is None
    else:
        same("fill value", ours.fill_value, np.asarray(array.fill_value, dtype=array.dtype))


def told(array: Any) -> Any:
    """What zarr-python sees in a document; bytes that fill may be written with and without what fills them up."""
    found = json.loads(json.dumps(array.metadata.to_dict(), default=repr))
    left_out = {"fill_value"}
    if all(isinstance(one, int) for one in lengths_of(array)):
        left_out.add("chunk_grid")  # steps alone are a regular grid, in either spelling
    return {name: value for name, value in found.items() if name not in left_out}


def lengths_of(array: Any) -> tuple[Any, ...]:
    """The lengths of chunks along each axis: one number, or one for each chunk."""
    if array.metadata.zarr_format == 2:
        return tuple(array.metadata.chunks)
    grid = array.metadata.chunk_grid
    return tuple(getattr(grid, "chunk_shapes", None) or grid.chunk_shape)


def by_parts(data: st.DataObject, reader: Any, grid: Any, cells: Cells) -> None:
    """Reads what one drawn selection names."""
    name, key, numpy_key, _ = data.draw(selections(grid, cells.shape))
    same(f"{name} {key!r}", door(reader, name)[key], cells[numpy_key])
    tried[f"read: {name}"] += 1


def changed(data: st.DataObject, writer: Any, grid: Any, cells: Cells) -> None:
    """Writes drawn cells where one drawn selection names, to the array and to NumPy's."""
    name, key, numpy_key, writes = data.draw(selections(grid, cells.shape))
    if not writes:
        return
    shape = np.shape(cells[numpy_key])
    new = data.draw(drawn.numpy_arrays(shapes=st.just(shape), dtype=cells.dtype), label="new cells")
    door(writer, name)[key] = new
    cells[numpy_key] = new
    tried[f"written: {name}"] += 1


def example(data: st.DataObject, folder: Path) -> None:
    """Both ways, with one drawn array."""
    array, cells = data.draw(theirs(folder / "theirs"))
    place = folder / "theirs" / array.path
    array = zarr.open_array(place, mode="r")
    stored = array[...]
    tried["other bits by zarr-python alone"] += bits(stored) != bits(cells)

    ours = zarrite.open_array(place, mode="r+")
    alike(ours, array)
    same("zarr-python writes, zarrite reads", ours[...], stored)
    tried["zarr-python writes, zarrite reads"] += 1
    by_parts(data, ours, array, stored)

    stored = np.array(stored)
    changed(data, ours, array, stored)
    same("zarrite changes, zarr-python reads", zarr.open_array(place, mode="r")[...], stored)
    same("zarrite changes, zarrite reads", ours[...], stored)

    cells = np.array(cells)
    made = settings_of(array, by_shards=data.draw(st.booleans(), label="by shards"))
    ours = zarrite.create_array(folder / "ours", **made)
    ours[...] = cells
    changed(data, ours, array, cells)
    reader = zarr.open_array(folder / "ours", mode="r")
    assert told(reader) == told(array), f"{told(reader)} and not {told(array)}"
    alike(ours, reader)
    same("zarrite writes, zarr-python reads", reader[...], cells)
    tried["zarrite writes, zarr-python reads"] += 1
    by_parts(data, reader, array, cells)
    same("zarrite writes, zarrite reads", zarrite.open_array(folder / "ours", mode="r")[...], cells)

    changed(data, zarr.open_array(folder / "ours", mode="r+"), array, cells)
    expected = zarr.open_array(folder / "ours", mode="r")[...]
    same("zarr-python changes, zarrite reads", zarrite.open_array(folder / "ours", mode="r")[...], expected)


# ---------------------------------------------------------------- the command


@contextmanager
def emptied() -> Iterator[Path]:
    """A folder in memory."""
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


def property_of(examples: int) -> Callable[[], None]:
    """The property, for so many examples."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def both_ways(data: st.DataObject) -> None:
        with emptied() as folder:
            example(data, folder)

    return both_ways


def main(arguments: list[str]) -> int:
    """The command."""
    examples = int(arguments[0]) if arguments else 1000
    chosen = int(arguments[1]) if len(arguments) > 1 else secrets.randbits(32)
    fast = {"codec_pipeline.path": PIPELINE, "codec_pipeline.max_workers": 1}
    zarr.config.set({"array.rectilinear_chunks": True, **fast})
    warnings.simplefilter("ignore")  # of data types outside the core specification
    began = time.monotonic()
    for done in range(0, examples, BATCH):
        seed(chosen + done)(property_of(min(BATCH, examples - done)))()
        said = {"seed": chosen, "examples": min(done + BATCH, examples), "seconds": round(time.monotonic() - began)}
        print(json.dumps({**said, **dict(sorted(tried.items()))}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
