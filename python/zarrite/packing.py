"""A store as one file, and back: `zarrite.pack` and `zarrite.unpack`. Objects are copied as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from zarrite._engine import Store, close, sizes
from zarrite._verb import Steps, verb
from zarrite.errors import NodeExistsError, NodeNotFoundError, StoreError, UrlError
from zarrite.progress import Progress, Report
from zarrite.stores import join, resolve

__all__ = ["Packed", "pack", "unpack"]

BATCH_BYTES = 32 << 20
BATCH_OBJECTS = 1024


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
    found = yield sizes(store, inside)
    if not found:
        raise NodeNotFoundError(store.url, inside, ())
    into, _ = zip_to_change(file)
    try:
        yield into.delete_prefix("")
        done = yield from _copy("pack", store, inside, into, "", found, progress)
        yield close(into)
    except BaseException:
        yield close(into, keep=False)
        raise
    return Packed(file, *done)


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

    Objects nearest to the root come last, so that what was stopped half-way shows no node that lacks its chunks.

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
    found = yield sizes(store, inside)
    if not found:
        raise NodeNotFoundError(store.url, inside, ())
    keys, prefixes = yield into.list_dir(below)
    if keys or prefixes:
        if not overwrite:
            raise NodeExistsError(f"something is at {into.url}; pass overwrite=True to delete it first")
        yield into.delete_prefix(below)
    found.sort(key=lambda item: (-item[0].count("/"), item[0]))
    done = yield from _copy("unpack", store, inside, into, below, found, progress)
    return Packed(into.url, *done)


def _is_url(place: Any) -> bool:
    return isinstance(place, str) and "://" in place and not place.startswith("file:")


def _copy(
    work: str,
    store: Store,
    inside: str,
    into: Store,
    below: str,
    found: list[tuple[str, int]],
    progress: Progress | None,
) -> Steps[tuple[int, int]]:
    """Copies objects, a batch at a time, and says how many and how many bytes there were."""
    total_bytes, start = sum(size for _, size in found), len(inside) + 1 if inside else 0
    done_bytes = done_items = 0
    for keys in _batches(found):
        values = yield store.get_many(keys)
        gone = [key for key, value in zip(keys, values, strict=True) if value is None]
        if gone:
            raise StoreError(gone[0], f"it was deleted while others were copied from {store.url}")
        yield into.put_many([(join(below, key[start:]), value) for key, value in zip(keys, values, strict=True)])
        done_items += len(keys)
        done_bytes += sum(len(value) for value in values)
        if progress is not None:
            progress(Report(work, keys[-1], done_bytes, total_bytes, done_items, len(found)))
    if progress is not None:
        progress(Report(work, "", done_bytes, total_bytes, done_items, len(found), finished=True))
    return done_items, done_bytes


def _batches(found: list[tuple[str, int]]) -> Iterator[list[str]]:
    batch: list[str] = []
    batch_bytes = 0
    for key, size in found:
        if batch and (batch_bytes + size > BATCH_BYTES or len(batch) >= BATCH_OBJECTS):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(key)
        batch_bytes += size
    if batch:
        yield batch
