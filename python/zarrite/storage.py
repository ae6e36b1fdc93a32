"""zarr-python's names for stores, where they mean the same here: they make and recognise engine stores.

Example:
    >>> from zarrite.storage import MemoryStore
    >>> store = MemoryStore()
    >>> isinstance(store, MemoryStore), store.read_only
    (True, False)
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, MutableMapping
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError
from zarrite.stores import MappingStore, Place, PythonStore, StorePath

__all__ = ["LocalStore", "MemoryStore", "PythonStore", "Store", "StoreLike", "StorePath", "ZipStore", "icechunk_store"]

StoreLike = Place
"""What may be passed as `store` (for type annotations)."""


class _Kind(type):
    """Makes `isinstance(store, LocalStore)` true for engine stores of that kind, whoever made them."""

    scheme: str

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Store) and instance.url.startswith(cls.scheme)


class LocalStore(metaclass=_Kind):
    """Files below a directory. An object appears as a whole, by a rename.

    Args:
        root: the directory; made when something is written.
        read_only: refuse writes.
        fsync: flush every object to the disk before it appears.
    """

    scheme = "file://"

    def __new__(cls, root: str | os.PathLike[str], *, read_only: bool = False, fsync: bool = False) -> Store:  # type: ignore[misc]
        return _engine.local_store(os.path.abspath(os.fspath(root)), read_only=read_only, fsync=fsync)


class MemoryStore(metaclass=_Kind):
    """Objects in this process's memory.

    Args:
        store_dict: a dictionary to keep them in (slower: it is reached through Python); the engine's own when `None`.
        read_only: refuse writes.
    """

    scheme = "memory://"

    def __new__(cls, store_dict: MutableMapping[str, Any] | None = None, *, read_only: bool = False) -> Store:  # type: ignore[misc]
        if store_dict is None:
            return _engine.memory_store(read_only=read_only)
        return _engine.python_store(MappingStore(store_dict), read_only=read_only)


def icechunk_store(
    location: Any,
    *,
    branch: str | None = None,
    tag: str | None = None,
    snapshot: str | None = None,
    as_of: datetime.datetime | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Store:
    """What an Icechunk repository holds at a branch, a tag, a snapshot or a time, for reading.

    Args:
        location: a path, a URL, or a repository of the `icechunk` package.
        branch: a branch's name; "main" when nothing else is given.
        tag: a tag's name.
        snapshot: a snapshot's id.
        as_of: the last snapshot of the branch that is not younger than this.
        storage_options: options of the storage, by the names that fsspec's users type; `authorize_virtual_chunk_access` and
            `config` are handed to the repository.

    Raises:
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no such repository, branch, tag or snapshot.
    """
    from zarrite.stores import icechunk

    return icechunk.icechunk_store(
        location, None, storage_options, branch=branch, tag=tag, snapshot=snapshot, as_of=as_of
    )


class ZipStore(metaclass=_Kind):
    """A zip archive, for reading.

    Args:
        path: the archive.
        mode: "r"; archives are not written by this version.
        read_only: accepted as zarr-python does; archives are always read-only here.
    """

    scheme = "zip://"

    def __new__(cls, path: str | os.PathLike[str], *, mode: str = "r", read_only: bool | None = None) -> Store:  # type: ignore[misc]
        if mode != "r" or read_only is False:
            raise UrlError(
                f"{os.fspath(path)}: zip archives are read and not written by this version of zarrite; "
                "write to a directory and zip it, without compression, when it is complete"
            )
        return _engine.zip_store(os.path.abspath(os.fspath(path)))
