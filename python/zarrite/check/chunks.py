"""Stored chunks: are they there, and can they be decoded."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

from zarrite import Array
from zarrite.check.findings import ERROR, NOTE, WARNING, Finding
from zarrite.check.walk import Hierarchy, Node
from zarrite.errors import LimitError, ZarriteError
from zarrite.model.node import ArrayModel
from zarrite.progress import Progress, track

__all__ = ["check_chunks", "check_presence"]

Region = tuple[slice, ...]
READ_BYTES = 256 << 20
"""What is decoded at once; shards of more are read a chunk at a time."""
MOST_PARTS = 4096
"""How many chunks of a damaged shard are looked at one by one."""


def check_presence(hierarchy: Hierarchy) -> Iterator[Finding]:
    """Chunks that were never written, and objects of no bytes in the place of chunks."""
    for node, model in hierarchy.arrays():
        counts = model.chunk_grid_shape
        inside = [key for key, place in node.chunks.items() if _inside(place, counts)]
        missing = math.prod(counts) - len(inside)
        if missing and inside:
            yield node.found(
                NOTE,
                node.path,
                "chunks-missing",
                f"{missing} of {math.prod(counts)} objects are not stored, and their cells read as the fill value",
                "nothing needs to be done, if they were never written",
            )
        if hierarchy.store.is_local:  # a look at each object, which elsewhere is a request
            empty = [key for key in inside if hierarchy.store.size(key).result() == 0]
            if empty:
                yield node.found(
                    ERROR,
                    empty[0],
                    "chunk-empty",
                    f"{len(empty)} objects have no bytes: writers that were killed leave such",
                    "restore them, or delete them: their cells then read as the fill value",
                )


def check_chunks(
    hierarchy: Hierarchy, sample: int | None, progress: Progress | None, counted: list[int]
) -> Iterator[Finding]:
    """Decodes stored chunks and tells of those that cannot be.

    Args:
        hierarchy: what was found in the store.
        sample: how many of each array, chosen at random; all when `None`.
        progress: who is told how far it is.
        counted: gets the number of objects that were decoded.
    """
    work: list[tuple[Node, ArrayModel, str]] = []
    for node, model in hierarchy.arrays():
        counts = model.chunk_grid_shape
        keys = [key for key, place in node.chunks.items() if _inside(place, counts)]
        if sample is not None and sample < len(keys):
            keys = sorted(random.Random(0).sample(keys, sample))  # noqa: S311 - the same ones each time
        work.extend((node, model, key) for key in keys)
    sizes = [(node.path, _bytes(model)) for node, model, _ in work]
    arrays: dict[str, Array] = {}
    for (node, model, key), _ in zip(work, track("check", sizes, progress), strict=True):
        array = arrays.get(node.path)
        if array is None:
            array = arrays[node.path] = Array(hierarchy.store, node.path, model)
        counted.append(1)
        finding = _decoded(node, array, key)
        if finding is not None:
            yield finding


def _inside(place: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    return all(at < count for at, count in zip(place, counts, strict=True))


def _bytes(model: ArrayModel) -> int:
    count = math.prod(model.shape) // max(1, math.prod(model.chunk_grid_shape))
    return max(1, count * model.data_type.cell_bytes)


def _decoded(node: Node, array: Array, key: str) -> Finding | None:
    region = _region(array, node.chunks[key])
    parts = [region] if _region_bytes(array, region) <= READ_BYTES else _parts(array, region)
    try:
        for part in parts:
            array[part]
    except LimitError as error:
        way = "read it on a machine with more memory"
        return node.found(WARNING, key, "chunk-large", f"the chunk was not decoded: {error}", way)
    except (ZarriteError, OSError) as error:
        return node.found(ERROR, key, "chunk-damaged", _extent(array, region, error), "restore the object from a copy")
    return None


def _region(array: Array, place: tuple[int, ...]) -> Region:
    """The cells of one stored object."""
    edges = getattr(array.metadata.grid, "chunk_shape", None)
    if isinstance(edges, tuple) and all(isinstance(edge, int) for edge in edges):
        starts = [at * edge for at, edge in zip(place, edges, strict=True)]
        stops = [start + edge for start, edge in zip(starts, edges, strict=True)]
    else:
        sizes = array.write_chunk_sizes
        starts = [sum(sizes[axis][:at]) for axis, at in enumerate(place)]
        stops = [start + sizes[axis][at] for axis, (start, at) in enumerate(zip(starts, place, strict=True))]
    return tuple(
        slice(start, min(stop, length)) for start, stop, length in zip(starts, stops, array.shape, strict=True)
    )


def _region_bytes(array: Array, region: Region) -> int:
    model: ArrayModel = array.metadata
    return math.prod(int(part.stop - part.start) for part in region) * model.data_type.cell_bytes


def _parts(array: Array, region: Region) -> Iterator[Region]:
    """The chunks of a shard, one region each; the whole where there are no shards."""
    edges = array.chunks
    axes = [
        [slice(start, min(start + edge, part.stop)) for start in range(part.start, part.stop, edge)]
        for part, edge in zip(region, edges, strict=True)
    ]
    return itertools.product(*axes)


def _extent(array: Array, region: Region, error: Exception) -> str:
    """The sentence for an object that cannot be decoded; for a shard, how many of its chunks are concerned."""
    if array.shards is None:
        return f"it cannot be decoded: {error}"
    damaged = looked = 0
    for part in itertools.islice(_parts(array, region), MOST_PARTS):
        looked += 1
        try:
            array[part]
        except (ZarriteError, OSError):
            damaged += 1
    return f"{damaged} of {looked} chunks of the shard cannot be decoded: {error}"
