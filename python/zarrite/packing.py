"""A store as one file, and back: `zarrite.pack` and `zarrite.unpack`. Objects are copied as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from zarrite._engine import close
from zarrite._verb import Steps, verb
from zarrite.errors import NodeExistsError, NodeNotFoundError, UrlError
from zarrite.listed import copy_listed, listed
from zarrite.progress import Progress
from zarrite.stores import resolve

__all__ = ["Packed", "pack", "unpack"]


class Packed(NamedTuple):
    """What was packed or unpacked.

    Attributes:
        target: where it is now.
        objects: how many objects there are.
        bytes: how many bytes they have together.
    """

    target: str
    objects: int
    bytes: int


@verb
def pack(
    source: Any,
    target: str | os.PathLike[str],
    *,
    path: Any = None,
    overwrite: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Steps[Packed]:
    """Packs a store, or a node in it, into a zip archive: every object as it is, stored and not compressed once more.

    The archive appears when it is complete. In one whose name ends in `.ozx` documents come first.

    Args:
        source: where: a path, a URL, a store.
        target: the archive, a file of this machine whose name ends in `.zip` or `.ozx`.
        path: path of a node in the store, which becomes the root.
        overwrite: replace the archive that is there.
        storage_options: options of remote stores.
        progress: told what was packed; see `zarrite.progress`.

    Returns:
        how much was packed.

    Raises:
        NodeNotFoundError: nothing is at the source.
        NodeExistsError: the archive is there, and `overwrite` is false.

    Example:
        >>> import tempfile, zarrite
        >>> place = tempfile.mkdtemp()
        >>> zarrite.save(f"{place}/a.zarr", [1, 2, 3])
        >>> zarrite.pack(f"{place}/a.zarr", f"{place}/a.zip").objects
        2
        >>> zarrite.load(f"{place}/a.zip")
        array([1, 2, 3])
    """
    from zarrite.stores.archives import zip_to_change

    file = os.path.abspath(os.fspath(target))
    if not file.lower().endswith((".zip", ".ozx")):
        raise UrlError(f"{file}: an archive has a name that ends in .zip or .ozx")
    if "://" in os.fspath(target):
        raise UrlError(f"{target}: archives are packed into a file of this machine; copy it on when it is complete")
    if os.path.exists(file) and not overwrite:
        raise NodeExistsError(f"{file} is there; pass overwrite=True to replace it")
    store, inside = resolve(source, path, read_only=True, storage_options=storage_options)
    found = yield from listed(store, inside)
    if not found.objects:
        raise NodeNotFoundError(store.url, inside, ())
    into, _ = zip_to_change(file)
    try:
        yield into.delete_prefix("")
        yield from copy_listed(found, into, "", progress)
        yield close(into)
    except BaseException:
        yield close(into, keep=False)
        raise
    return Packed(file, found.objects, found.bytes)


@verb
def unpack(
    source: Any,
    target: Any,
    *,
    path: Any = None,
    overwrite: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Steps[Packed]:
    """Unpacks a zip archive into a store: every object as it is. A folder that holds all of it is left out.

    Documents come last, so that what was stopped half-way shows no node that lacks its chunks.

    Args:
        source: the archive: a path or a URL.
        target: where: a path, a URL, a store.
        path: path of a node in the archive, which becomes the root.
        overwrite: first delete what is at the target.
        storage_options: options of remote stores.
        progress: told what was unpacked; see `zarrite.progress`.

    Returns:
        how much was unpacked.

    Raises:
        NodeNotFoundError: nothing is in the archive, or at the path.
        NodeExistsError: something is at the target, and `overwrite` is false.

    Example:
        >>> import tempfile, zarrite
        >>> place = tempfile.mkdtemp()
        >>> zarrite.save(f"{place}/a.zip", [1, 2, 3])
        >>> zarrite.unpack(f"{place}/a.zip", f"{place}/a.zarr").objects
        2
        >>> zarrite.load(f"{place}/a.zarr")
        array([1, 2, 3])
    """
    from zarrite.stores.archives import is_zip

    options = storage_options
    store, inside = resolve(source, path, read_only=True, storage_options=options if _is_url(source) else None)
    if not is_zip(store):
        raise UrlError(f"{store.url} is no zip archive")
    into, below = resolve(target, writes=True, storage_options=options if _is_url(target) else None)
    found = yield from listed(store, inside)
    if not found.objects:
        raise NodeNotFoundError(store.url, inside, ())
    keys, prefixes = yield into.list_dir(below)
    if keys or prefixes:
        if not overwrite:
            raise NodeExistsError(f"something is at {into.url}; pass overwrite=True to delete it first")
        yield into.delete_prefix(below)
    yield from copy_listed(found, into, below, progress)
    return Packed(into.url, found.objects, found.bytes)


def _is_url(place: Any) -> bool:
    return isinstance(place, str) and "://" in place and not place.startswith("file:")
