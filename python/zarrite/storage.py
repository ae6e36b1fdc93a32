"""zarr-python's names for stores, where they mean the same here: they make and recognise engine stores.

Example:
    >>> from zarrite.storage import MemoryStore
    >>> store = MemoryStore()
    >>> isinstance(store, MemoryStore), store.read_only
    (True, False)
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError
from zarrite.stores import MappingStore, Place, PythonStore, StorePath, resolve
from zarrite.stores.caching import cached
from zarrite.stores.url import json_at

__all__ = [
    "CacheStore",
    "LocalStore",
    "MemoryStore",
    "PythonStore",
    "Request",
    "Store",
    "StoreLike",
    "StorePath",
    "ZipStore",
    "icechunk_store",
    "overlay",
    "prefixed",
    "read_json",
    "read_only",
    "recorded",
    "requests",
]

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


class CacheStore:
    """Another store, and what was read of it: in memory, or in a folder that other processes may use too.

    What is kept are stored bytes, documents and chunks alike, with the version of their object. Writes through this
    store are seen at once; those of others when the store is asked. A store that names no versions (one written in
    Python) is read anew instead of asked, so that `check` must not be "always" there.

    Args:
        store: any place that `zarrite.open` takes.
        max_bytes: the most that is kept, in bytes.
        folder: where it is kept; in memory when `None`.
        check: when the store is asked whether what is kept is still what it has: "always" (one small request for each
            object that is read), "never" (data that does not change), or after so many seconds.
        storage_options: options of a store on a network.

    Raises:
        ValueError: a `check` or `max_bytes` that means nothing.

    Example:
        >>> from zarrite.storage import CacheStore, MemoryStore
        >>> store = CacheStore(MemoryStore(), max_bytes=1 << 20)
        >>> store.put("key", b"value").result()
        >>> store.get("key").result(), store.get("key").result()
        (b'value', b'value')
    """

    def __new__(  # type: ignore[misc]
        cls,
        store: Place,
        *,
        max_bytes: int = 256 << 20,
        folder: str | os.PathLike[str] | None = None,
        check: str | float = "always",
        storage_options: Mapping[str, Any] | None = None,
    ) -> Store:
        from zarrite.stores.remote import place_name

        inner, path = resolve(store, storage_options=storage_options)
        inner = inner.prefixed(path) if path else inner
        return cached(inner, max_bytes=max_bytes, folder=folder, check=check, name=place_name(inner))


def icechunk_store(
    location: Any,
    *,
    branch: str | None = None,
    tag: str | None = None,
    snapshot: str | None = None,
    as_of: dt.datetime | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Store:
    """What an Icechunk repository holds at a branch, a tag, a snapshot or a time, for reading.

    Args:
        location: a path, a URL, or a repository of the `icechunk` package.
        branch: a branch's name; "main" when nothing else is given.
        tag: a tag's name.
        snapshot: a snapshot's id.
        as_of: the last snapshot of the branch that is not younger than this.
        storage_options: options of the storage, by the names that fsspec's users type; `config` and
            `authorize_virtual_chunk_access` are handed to the repository.

    Raises:
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no such repository, branch, tag or snapshot.
    """
    from zarrite.stores import icechunk

    return icechunk.icechunk_store(
        location, None, storage_options, branch=branch, tag=tag, snapshot=snapshot, as_of=as_of
    )


class ZipStore(metaclass=_Kind):
    """A zip archive in a file of this machine. What is written shows in the archive once the store is closed.

    Args:
        path: the archive.
        mode: "r" (read), "a" (read and change, made when missing), "w" (replaced), "x" (made, must not be there).
        read_only: refuse writes; those of mode "r" are always refused.
        compression: 0 (`zipfile.ZIP_STORED`): chunks are compressed by their codecs, and what is stored as it is can be
            read in part.
        allowZip64: must be true; long numbers are used where they are needed.

    Raises:
        FileExistsError: mode "x", and the file is there.
        ValueError: a mode or a compression that archives are not written with.

    Example:
        >>> import tempfile, zarrite
        >>> from zarrite.storage import ZipStore
        >>> path = f"{tempfile.mkdtemp()}/a.zip"
        >>> with ZipStore(path, mode="w") as store:
        ...     zarrite.save(store, [1, 2, 3])
        >>> zarrite.load(path)
        array([1, 2, 3])
    """

    scheme = "zip://"

    def __new__(  # type: ignore[misc]
        cls,
        path: str | os.PathLike[str],
        *,
        mode: str = "r",
        read_only: bool | None = None,
        compression: int = 0,
        allowZip64: bool = True,  # noqa: N803 -- zarr-python's name
    ) -> Store:
        from zarrite.stores.archives import zip_file

        if mode not in ("r", "a", "w", "x"):
            raise ValueError(f"mode must be 'r', 'a', 'w' or 'x', not {mode!r}")
        if compression != 0 or not allowZip64:
            raise UrlError(
                f"{os.fspath(path)}: objects are stored in an archive as they are, with long numbers where they are "
                "needed; chunks are compressed by their codecs"
            )
        place = os.path.abspath(os.fspath(path))
        if mode == "r" or read_only:
            return zip_file(place, read_only=True)[0]
        if mode == "x" and os.path.exists(place):
            raise FileExistsError(f"{place} is there; open it with mode 'a', or replace it with 'w'")
        store = zip_file(place, read_only=False)[0]
        if mode == "w":
            store.delete_prefix("").result()
        return store


# ---------------------------------------------------------------- layers: stores over stores


def _whole(place: Any, storage_options: Mapping[str, Any] | None) -> Store:
    """A place as a store whose root it is."""
    store, path = resolve(place, storage_options=storage_options)
    return store.prefixed(path) if path else store


def prefixed(place: Any, prefix: str, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """What lies below a prefix of a place, as a store of its own.

    Args:
        place: whatever `zarrite.open` takes.
        prefix: a path in it.
        storage_options: options of remote stores.

    Example:
        >>> from zarrite.storage import MemoryStore, prefixed
        >>> prefixed(MemoryStore(), "deep/inside").url.endswith("/deep/inside")
        True
    """
    return _whole(place, storage_options).prefixed(prefix)


def read_only(place: Any, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """A place as a store that refuses writes, whatever the mode a node is opened with.

    Args:
        place: whatever `zarrite.open` takes.
        storage_options: options of remote stores.
    """
    store = _whole(place, storage_options)
    return store if store.read_only else store.with_read_only()


def overlay(lower: Any, upper: Any = None, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """Two places as one store: what the upper one lacks is looked for in the lower one, and changes go to the upper.

    For local changes over an archive that can only be read, and for attributes of one's own over somebody else's data.
    What is deleted of the lower place is noted in the upper one. One process at a time writes through an overlay.

    Args:
        lower: whatever `zarrite.open` takes; it is never changed.
        upper: the same; memory when `None`.
        storage_options: options of the lower place.

    Example:
        >>> import zarrite
        >>> from zarrite.storage import overlay
        >>> theirs = {}
        >>> zarrite.save(theirs, [1, 2, 3])
        >>> mine = overlay(theirs)
        >>> zarrite.open_array(mine, mode="r+")[0] = 9
        >>> zarrite.load(mine), zarrite.load(theirs)
        (array([9, 2, 3]), array([1, 2, 3]))
    """
    over = _whole(upper, None)
    return _engine.overlay_store(read_only(lower, storage_options=storage_options), over)


class Request(NamedTuple):
    """One request to a recorded store.

    Attributes:
        operation: `get`, `open`, `read`, `put`, `delete`, `list`, `list_dir`, `size` and their like.
        key: the key or the prefix.
        start: the first byte that was asked for; negative when counted from the end.
        stop: one past the last.
    """

    operation: str
    key: str
    start: int | None
    stop: int | None


def recorded(place: Any, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """A place as a store that writes down what is asked of it; `requests` gives that.

    Args:
        place: whatever `zarrite.open` takes.
        storage_options: options of remote stores.

    Example:
        >>> import zarrite
        >>> from zarrite.storage import recorded, requests
        >>> place = {}
        >>> zarrite.save(place, [1, 2, 3])
        >>> store = recorded(place)
        >>> array = zarrite.open_array(store, mode="r")
        >>> for one in requests(store):
        ...     print(one.operation, one.key)
        get zarr.json
    """
    return _engine.recorded_store(_whole(place, storage_options))


def requests(store: Store) -> list[Request]:
    """What was asked of a recorded store since this was last called.

    Args:
        store: what `recorded` gave.

    Raises:
        TypeError: the store keeps no record.
    """
    return [Request(*one) for one in _engine.recorded(store)]


def read_json(url: str, *, storage_options: Mapping[str, Any] | None = None) -> Any:
    """A value of a JSON document, by a URL that ends in `|json:` and a JSON pointer.

    Args:
        url: such as `data.zarr/zarr.json|json:/attributes/title`.
        storage_options: options of remote stores.

    Raises:
        ValueError: no such URL, no JSON, or nothing at the pointer.
        FileNotFoundError: there is no such document.
    """
    return json_at(url, storage_options)


if not TYPE_CHECKING:  # type checkers know every name without it

    def __getattr__(name: str) -> object:
        from zarrite.model.gone import no_attribute

        raise no_attribute(__name__, name)
