"""Stores written in Python: what they must do, and the adapter that makes a dictionary one."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Protocol, runtime_checkable

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import StoreError
from zarrite.stores.paths import StorePath

__all__ = [
    "Answers",
    "Done",
    "Keys",
    "MappingStore",
    "Part",
    "Parts",
    "PythonStore",
    "Question",
    "Sizes",
    "dress",
    "note",
    "origin_of",
    "shown",
    "shown_path",
    "store_of_object",
]

Question = tuple[str, int | None, int | None, str | None]
"""What `get_many` is asked: a key, from where, up to where, and the version that is wanted (`None`: any)."""
Answers = list[bytes | BaseException | None]
"""What `get_many` gives, one for each question; an exception is the failure of its question alone."""
Part = tuple[bytes, int, str | None] | BaseException | None
"""A part of an object, the bytes of all of it, and its version where the store has such."""
Parts = list[Part]
Done = list[Any]
"""What `put_many` gives, one for each object: an exception is its failure, anything else is none."""
Keys = list[str]
Sizes = list[tuple[str, int]]


# Stores written in Python, by identity, as long as an engine store leads to them.
_origins: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def store_of_object(place: Any, read_only: bool = False) -> Store:
    """The engine's store of an object with the four methods."""
    store = _engine.python_store(place, read_only=read_only)
    try:
        _origins[store.identity] = place
    except TypeError:  # an object that knows no weak references: its handles stay in this process
        pass
    return store


def origin_of(store: Store) -> Any | None:
    """The object that a store asks, where it is written in Python."""
    return _origins.get(store.identity)


@runtime_checkable
class PythonStore(Protocol):
    """A place that keeps objects, written in Python. Any object with these four methods is one.

    The methods block; the engine calls them from its own threads, several at a time. A key is a path without a leading
    slash, such as `"a/b/c/0/1"`. What such a store lacks (one level's listing, moving) the engine makes of
    these four.

    Methods and attributes that are used where they are there: `get_many(questions)`, `put_many(items)` and
    `delete_many(keys)`, one call for many objects; `open_many(questions)`, parts of objects with the bytes of each;
    `size(key)`; `list_sizes(prefix)` and `list_dir(prefix)`; `get_versioned(key)`, and
    `put_if_absent(key, value)` and `put_if_version(key, value, version)`, which say whether they put, so that several
    processes may write parts of one object; `url`, `identity`, `read_only`; `is_local`, which
    is false for a store that waits for a network; `is_shared`, which is false where no other process reaches it.
    """

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or those from `start` up to `stop`; a negative `start` counts from the end.

        `None` when there is no such object, which is not an error.
        """

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object, replacing the one that was there as a whole."""

    def delete(self, key: str) -> None:
        """Forgets an object; a missing one is fine."""

    def list(self, prefix: str) -> Iterable[str]:
        """All keys that begin with `prefix`."""


class MappingStore:
    """A dictionary (or any mutable mapping) of keys and bytes as a store. What is written shows in the mapping at once.

    Args:
        mapping: keys and values; values are bytes or anything that gives its bytes.
    """

    def __init__(self, mapping: MutableMapping[str, Any]) -> None:
        self.mapping = mapping

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or a range of them."""
        value = self.mapping.get(key)
        if value is None:
            return None
        whole = _as_bytes(key, value)
        return whole if start is None and stop is None else whole[start:stop]

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        self.mapping[key] = bytes(value)

    def delete(self, key: str) -> None:
        """Forgets an object."""
        self.mapping.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        """All keys that begin with `prefix`, in order."""
        # A copy first: other threads may put while we look.
        return sorted(key for key in list(self.mapping) if key.startswith(prefix))

    def put_if_absent(self, key: str, value: bytes) -> bool:
        """Keeps an object unless there is one; says whether it did."""
        kept = bytes(value)
        return self.mapping.setdefault(key, kept) is kept

    @property
    def url(self) -> str:
        """The mapping by its identity in this process."""
        return f"memory://{id(self.mapping)}"

    def __repr__(self) -> str:
        return f"<MappingStore of {len(self.mapping)} objects>"


def _as_bytes(key: str, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "to_bytes") and not isinstance(value, int):
        return bytes(value.to_bytes())
    try:
        return bytes(memoryview(value))
    except TypeError as error:
        raise StoreError(key, f"the mapping holds a {type(value).__name__} there, not bytes") from error


# ---------------------------------------------------------------- how stores are shown

# While zarrite goes by the name of zarr (`zarrite.install_as_zarr`), handles show the store that a program passed in.

# The object that stands for a store, by the store's address; each holds its store, so that the address stays its own.
_stand: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

_dress: tuple[Callable[[Store], Any], Callable[[Any, str], Any]] | None = None


def note(store: Store, stands: Any) -> None:
    """Notes the object that stands for a store; it holds the store from now on."""
    held = vars(stands).setdefault("_held", [])
    if not any(one is store for one in held):
        held.append(store)
    _stand[id(store)] = stands


def dress(store: Callable[[Store], Any], path: Callable[[Any, str], Any]) -> None:
    """Says what is shown from now on.

    Args:
        store: makes what stands for a store.
        path: makes what stands for such a thing and a path in it.
    """
    global _dress  # noqa: PLW0603 -- one interface a process
    _dress = store, path


def shown(store: Store) -> Any:
    """What a handle gives as its store."""
    if _dress is None:
        return store
    found = _stand.get(id(store))
    if found is None:
        found = _dress[0](store)
        note(store, found)
    return found


def shown_path(store: Store, path: str) -> Any:
    """What a handle gives as its place."""
    return StorePath(store, path) if _dress is None else _dress[1](shown(store), path)
