"""Places of other libraries: which they are, and the store they lead to.

What can be rebuilt is: the engine then reads and writes without Python. What cannot is asked through the library's own
calls, in batches. A store's `url` says which way was taken: one that begins with `python+` goes through Python.

Things are recognised by their methods and by where their classes come from, so no library is loaded to ask.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from zarrite._engine import Store
from zarrite.stores.paths import join, normalize_path
from zarrite.stores.protocol import store_of_object

__all__ = ["store_of"]

_ZARR = ("get", "set", "delete", "exists", "list", "list_prefix", "list_dir", "getsize")
_FILESYSTEM = ("cat_file", "pipe_file", "find", "ls", "rm_file", "_strip_protocol")
_UPATH = ("protocol", "storage_options", "fs", "path")
_ICECHUNK = frozenset(("IcechunkStore", "Session", "ForkSession", "Repository"))


def store_of(place: Any, read_only: bool) -> tuple[Store, str] | None:
    """The store and the path that an object of another library means; `None` when it is nothing that is known.

    Args:
        place: a store, a file system's mapping or a pair `(file system, path)`, a path of universal_pathlib, a session
            or repository of Icechunk, or what holds one of these as `store` beside a `path`.
        read_only: give a store that refuses writes.
    """
    found = _found(place, read_only)
    if found is None:
        return _inside(place, read_only)
    if isinstance(found, Store):
        return found, ""
    if type(found).__module__.startswith("zarrite."):
        return store_of_object(found, read_only or bool(getattr(found, "read_only", False))), ""
    # A store that only wraps what another library made.
    return store_of(found, read_only or bool(place.read_only))


def _found(place: Any, read_only: bool) -> Any:
    """An engine store, an adapter with the four methods, what a store wraps, or `None`."""
    kind = type(place)
    if kind.__name__ in _ICECHUNK and kind.__module__.partition(".")[0] == "icechunk":
        from zarrite.stores import icechunk

        return icechunk.store_of(place)
    if any(base.__module__ == "obstore.store" for base in kind.__mro__):
        from zarrite.stores import obstores

        return obstores.store_of(place, read_only=read_only)
    if all(hasattr(kind, name) for name in _UPATH):
        from zarrite.stores import filesystems

        return filesystems.store_of_upath(place, read_only=read_only)
    if isinstance(getattr(place, "root", None), str) and _is_filesystem(getattr(place, "fs", None)):
        return _in_filesystem(place.fs, place.root, read_only)
    if isinstance(place, tuple) and len(place) == 2 and _is_filesystem(place[0]):
        return _in_filesystem(place[0], os.fspath(place[1]), read_only)
    if not isinstance(place, type) and all(callable(getattr(place, name, None)) for name in _ZARR):
        from zarrite.stores import zarr_stores

        return zarr_stores.rebuilt(place) or zarr_stores.ZarrStore(place)
    return None


def _is_filesystem(place: object) -> bool:
    return all(hasattr(place, name) for name in _FILESYSTEM)


def _in_filesystem(filesystem: Any, path: str, read_only: bool) -> Any:
    from zarrite.stores import filesystems

    return filesystems.store_of(filesystem, path, read_only=read_only)


def _inside(place: Any, read_only: bool) -> tuple[Store, str] | None:
    """What holds a store and a path in it: zarr-python's `StorePath`, and its nodes."""
    place = getattr(place, "store_path", place)
    store, path = getattr(place, "store", None), getattr(place, "path", None)
    if store is None or not isinstance(path, str) or isinstance(place, Mapping):
        return None
    inside = normalize_path(path)
    if isinstance(store, Store):
        return store, inside
    found = store_of(store, read_only)
    return None if found is None else (found[0], join(found[1], inside))
