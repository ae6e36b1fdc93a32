"""How a handle's store is shown: as the engine's own, or as the object of another interface that stands for it.

While zarrite goes by the name of zarr (`zarrite.install_as_zarr`), handles show the store that a program passed in.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from zarrite._engine import Store
from zarrite.stores.paths import StorePath

__all__ = ["dress", "note", "shown", "shown_path"]

# The object that stands for a store, by the store's address; each holds its store, so that the address stays its own.
_stand: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

_dress: tuple[Callable[[Store], Any], Callable[[Any, str], Any]] | None = None


def note(store: Store, stands: Any) -> None:
    """Notes the object that stands for a store, and that holds it."""
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
