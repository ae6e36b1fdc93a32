"""`zarr.storage`: the stores by zarr-python's names, each of which leads to one of the engine's.

A store whose methods a subclass changes is asked through them, as a store of another package is.
"""

from __future__ import annotations

from typing import Any

from zarrite._engine import Store as Engine
from zarrite.as_zarr.files import LocalStore, ZipStore
from zarrite.as_zarr.layers import LatencyStore, LoggingStore, WrapperStore
from zarrite.as_zarr.libraries import FsspecStore, ObjectStore
from zarrite.as_zarr.memory import GpuMemoryStore, ManagedMemoryStore, MemoryStore
from zarrite.as_zarr.native import EngineStore
from zarrite.as_zarr.paths import StorePath
from zarrite.as_zarr.store import Store
from zarrite.stores import origin_of
from zarrite.stores.protocol import MappingStore

__all__ = [
    "FsspecStore",
    "GpuMemoryStore",
    "LatencyStore",
    "LocalStore",
    "LoggingStore",
    "ManagedMemoryStore",
    "MemoryStore",
    "ObjectStore",
    "StoreLike",
    "StorePath",
    "WrapperStore",
    "ZipStore",
    "stand_for",
]

StoreLike = Any
"""What may be passed as `store`."""


def stand_for(store: Engine) -> Store:
    """The store of zarr-python's interface that stands for one of the engine's."""
    origin = origin_of(store)
    inner = getattr(origin, "store", None)
    if isinstance(inner, Store):
        if store.read_only and not inner.read_only:
            try:
                inner = inner.with_read_only(True)
            except NotImplementedError:
                return EngineStore._over(store)
        inner._native = store
        return inner
    if isinstance(origin, MappingStore):
        return MemoryStore._over(store)
    last = store.url.rpartition("|")[2]
    kinds: dict[str, type[EngineStore]] = {"file": LocalStore, "memory": MemoryStore, "zip": ZipStore}
    kind = EngineStore if "|" in store.url else kinds.get(last.partition(":")[0], FsspecStore)
    return kind._over(store)
