"""Which node a command means: a store, and a path in it."""

from __future__ import annotations

import os
from typing import Any

import zarrite
from zarrite.errors import NodeNotFoundError, ZarriteError

__all__ = ["describe_array", "node_at", "store_and_path"]


def node_at(place: str) -> Any:
    """The array or group at `store`, `store:/path` or `store/path`.

    Raises:
        NodeNotFoundError: there is none; the sentence says what is there instead.
    """
    store, colon, inside = place.partition(":/")
    if colon and not inside.startswith("/"):
        return zarrite.open(store, path=inside or None, mode="r")
    if os.path.isfile(place) and not place.lower().endswith((".zip", ".ozx")):
        raise NodeNotFoundError(
            f"{place} is a file and no Zarr store; `zarrite convert {place} TARGET` makes one of it"
        )
    try:
        return zarrite.open(place, mode="r")
    except (ZarriteError, OSError) as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError) and not _archive_in(place):
            raise
        archive = _archive_in(place)
        if archive:
            return zarrite.open(archive, path=place[len(archive) :].strip("/"), mode="r")
        if "://" not in place and not os.path.exists(place):
            raise NodeNotFoundError(f"{place} is not there") from None
        raise


def store_and_path(place: str) -> tuple[str, str | None]:
    """The store and the path in it that `store`, `store:/path` or `archive/path` means, whatever is there.

    Raises:
        NodeNotFoundError: there is no such file or folder.
    """
    store, colon, inside = place.partition(":/")
    if colon and not inside.startswith("/"):
        return store, inside or None
    archive = _archive_in(place)
    if archive:
        return archive, place[len(archive) :].strip("/")
    if "://" not in place and not os.path.exists(place):
        raise NodeNotFoundError(f"{place} is not there")
    return place, None


def _archive_in(place: str) -> str:
    """The part of a path that is a file, when the path goes on behind it."""
    head = place.rstrip("/")
    while head and not os.path.exists(head):
        shorter = os.path.dirname(head)
        if shorter == head:
            return ""
        head = shorter
    return head if os.path.isfile(head) and head != place else ""


def describe_array(array: Any) -> dict[str, Any]:
    """What an array's document says of its grid, in plain values."""
    names = array.metadata.dimension_names
    grid, inner = array.metadata.grid, array.metadata.inner_chunk
    # Where objects differ in shape: what the document says of each axis.
    stored = list(grid.chunk_shape) if grid.is_regular else grid.listed()
    chunks, shards = (stored, None) if inner is None else (list(inner), stored)
    return {
        "path": array.name,
        "kind": "array",
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "dimension_names": list(names) if names is not None else None,
        "chunks": chunks,
        "shards": shards,
        "bytes": array.nbytes,
    }
