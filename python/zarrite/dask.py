"""dask on zarrite: arrays whose blocks are read, and written, a stored object at a time.

Blocks that do not fit the stored objects are safe too (writers of one object take turns, threads and processes alike),
but each then reads what it does not write. `to_zarr` therefore aligns them unless told not to.

Example:
    >>> import dask.array as da, zarrite.dask
    >>> stored = zarrite.dask.to_zarr(da.ones((40, 40), chunks=15), None, chunks=(10, 10), shards=(20, 20))
    >>> zarrite.dask.from_array(stored).chunks
    ((20, 20), (20, 20))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dask.array as da
from dask.base import tokenize
from dask.delayed import Delayed

import zarrite
from zarrite import Array

__all__ = ["from_array", "to_zarr"]


def from_array(
    source: Any,
    *,
    chunks: Any = "stored",
    name: str | None = None,
    inline_array: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> da.Array:
    """A lazy dask array of a stored one.

    Its name, by which dask knows equal work, tells the place, the document and the blocks: the same in every process.

    Args:
        source: an array, or a place that `zarrite.open_array` takes.
        chunks: shape of a block: "stored" (that of stored objects: shards where there are some), "auto" (dask's limit,
            whole stored objects), or whatever dask takes.
        name: a name of your own.
        inline_array: put the handle into every task, so that tasks can be fused and moved.
        storage_options: options of remote stores.

    Example:
        >>> import numpy as np, zarrite.dask
        >>> array = zarrite.array(np.arange(10), chunks=4)
        >>> zarrite.dask.from_array(array).chunks
        ((4, 4, 2),)
        >>> int(zarrite.dask.from_array(array).sum())
        45
    """
    array = source if isinstance(source, Array) else _opened(source, storage_options)
    stored = array.write_chunk_sizes
    if isinstance(chunks, str) and chunks == "stored":
        chunks = stored
    chunks = da.core.normalize_chunks(
        chunks, shape=array.shape, dtype=array.dtype, previous_chunks=tuple(max(axis, default=1) for axis in stored)
    )
    return da.from_array(
        array,
        chunks=chunks,
        name=name or f"zarrite-{tokenize(array, chunks)}",
        inline_array=inline_array,
        lock=False,
        meta=da.utils.meta_from_array(None, ndim=array.ndim, dtype=array.dtype),
    )


def _opened(place: Any, storage_options: Mapping[str, Any] | None) -> Array:
    opened: Array = zarrite.open_array(place, mode="r", storage_options=storage_options)
    return opened


def to_zarr(
    data: da.Array,
    store: Any,
    *,
    region: Any = None,
    align: bool = True,
    compute: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Array | Delayed:
    """Writes a dask array, a task for each of its blocks.

    Args:
        data: what to write.
        store: an array to write to, or a place for a new one.
        region: where in an array that is there, as slices; all of it when `None`.
        align: rechunk `data` so that each task writes whole stored objects.
        compute: write now; otherwise give a delayed write.
        storage_options: options of remote stores.
        settings: as in `zarrite.create_array` for a new array: `name`, `chunks` (those of `data` where they are
            regular, else "auto"), `shards`, `compressors`, `overwrite`, ...

    Returns:
        the array; or what writes it, when not computed.

    Raises:
        ValueError: a `region` for a new array.
    """
    if isinstance(store, Array):
        array = store
        if settings:
            raise TypeError(f"{', '.join(sorted(settings))}: the array is there already, with settings of its own")
    else:
        if region is not None:
            raise ValueError("a region is a part of an array that is there; open it and pass it as store")
        settings.setdefault("chunks", _regular(data.chunks) or "auto")
        array = zarrite.create_array(
            store, shape=data.shape, dtype=data.dtype, storage_options=storage_options, **settings
        )
    if align:
        data = data.rechunk(_aligned(data.chunks, array.write_chunk_sizes, _starts(region, array)))
    done = da.store(data, array, regions=region, lock=False, compute=compute, return_stored=False)
    return array if compute else done


def _regular(blocks: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """The shape of blocks that are all of one, but for the last along each axis."""
    if any(len(set(axis[:-1])) > 1 or axis[-1] > axis[0] for axis in blocks if axis):
        return None
    return tuple(max(axis[0] if axis else 1, 1) for axis in blocks)


def _starts(region: Any, array: Array) -> list[int]:
    if region is None:
        return [0] * array.ndim
    return [part.indices(length)[0] for part, length in zip(region, array.shape, strict=True)]


def _aligned(
    blocks: Sequence[Sequence[int]], stored: Sequence[Sequence[int]], starts: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Blocks of about the same lengths that end where stored objects end."""
    return tuple(_aligned_axis(*axis) for axis in zip(blocks, stored, starts, strict=True))


def _aligned_axis(blocks: Sequence[int], stored: Sequence[int], start: int) -> tuple[int, ...]:
    length, wanted = sum(blocks), max(blocks, default=0)
    found: list[int] = []
    edge = last = 0
    for size in stored:
        edge += size
        here = min(edge - start, length)
        # A block ends at the first end of an object from its wanted length on.
        if here - last >= wanted or here == length:
            if here > last:
                found.append(here - last)
                last = here
            if here == length:
                break
    return tuple(found) or (0,)
