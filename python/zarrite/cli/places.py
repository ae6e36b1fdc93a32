"""Which node a command means: a store, and a path in it."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer

import zarrite
from zarrite.errors import NodeNotFoundError, UrlError, ZarriteError

__all__ = ["Options", "describe_array", "is_url", "node_at", "storage_options", "store_and_path"]

Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", help="An option of the store, such as anon=true; may be repeated.", show_default=False
    ),
]
"""How every command takes options of stores."""


def storage_options(words: list[str] | None) -> dict[str, Any] | None:
    """Options of a store: `name=value`, with dots for what lies within; values are JSON, or else text.

    Raises:
        UrlError: a word without `=`.

    Example:
        >>> storage_options(["anon=true", "key=AKIA=", "client_kwargs.region_name=eu-west-1"])
        {'anon': True, 'key': 'AKIA=', 'client_kwargs': {'region_name': 'eu-west-1'}}
    """
    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UrlError(f"--option {word!r} says no value; write name=value")
        *above, last = name.split(".")
        inner = found
        for part in above:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UrlError(f"--option {word!r}: {part!r} was given a value already")
        inner[last] = _value(text)
    return found or None


def _value(text: str) -> Any:
    if text in ("true", "false", "null", "True", "False", "None"):
        return {"t": True, "f": False, "n": None}[text[0].lower()]
    if text[:1] in ("{", "[", '"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def is_url(place: str) -> bool:
    """Whether a word is a URL, a pipeline or a chain, and no path of this machine."""
    scheme = place.partition(":")[0]
    return (
        "|" in place or "://" in place or (len(scheme) > 1 and scheme.lower() in ("file", "memory") and scheme != place)
    )


def node_at(place: str, options: dict[str, Any] | None = None) -> Any:
    """The array or group at a URL, `store`, `store:/path` or `store/path`.

    Raises:
        NodeNotFoundError: there is none; the sentence says what is there instead.
    """
    if is_url(place):
        return zarrite.open(place, mode="r", storage_options=options)
    store, colon, inside = place.partition(":/")
    if colon and not inside.startswith("/"):
        return zarrite.open(store, path=inside or None, mode="r", storage_options=options)
    if options:
        return zarrite.open(place, mode="r", storage_options=options)
    try:
        return zarrite.open(place, mode="r")
    except (ZarriteError, OSError) as error:
        if os.path.isfile(place) and isinstance(error, NodeNotFoundError):
            raise NodeNotFoundError(
                f"{place} is a file and no Zarr store; `zarrite convert {place} TARGET` makes one of "
                "HDF5, netCDF and NumPy files"
            ) from None
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
    if is_url(place):
        return place, None
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
