"""`zarr.storage`: the stores by zarr-python's names, each of which leads to one of the engine's.

A store whose methods a subclass changes is asked through them, as a store of another package is.
"""

from __future__ import annotations

from typing import Any, Self

from zarrite._engine import Store as Engine
from zarrite.as_zarr.files import LocalStore, ZipStore
from zarrite.as_zarr.layers import LatencyStore, LoggingStore, WrapperStore
from zarrite.as_zarr.libraries import FsspecStore, ObjectStore
from zarrite.as_zarr.memory import GpuMemoryStore, ManagedMemoryStore, MemoryStore
from zarrite.as_zarr.native import EngineStore
from zarrite.as_zarr.paths import StorePath
from zarrite.as_zarr.store import Store
from zarrite.stores import address, origin_of, reopen
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


class StandIn(EngineStore):
    """A store of the engine that no class here names: a layer, or a place in an archive."""

    def _made(self) -> Engine:
        return self._engine_store

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same place, with or without writes."""
        store = self._engine
        if read_only != store.read_only:
            store = store.with_read_only() if read_only else reopen(address(store)._replace(read_only=False))
        other = self._over(store)
        other._is_open = False
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (type(self), address(self._engine))


def _reopened(kind: type[StandIn], where: Any) -> StandIn:
    return kind._over(reopen(where))


def stand_for(store: Engine) -> Store:
    """The store of zarr-python's interface that stands for one of the engine's."""
    origin = origin_of(store)
    inner = getattr(origin, "store", None)
    if isinstance(inner, Store):
        if store.read_only and not inner.read_only:
            try:
                inner = inner.with_read_only(True)
            except NotImplementedError:
                return StandIn._over(store)
        inner._native = store
        return inner
    if isinstance(origin, MappingStore):
        return MemoryStore._over(store)
    last = store.url.rpartition("|")[2]
    kinds: dict[str, type[EngineStore]] = {"file": LocalStore, "memory": MemoryStore, "zip": ZipStore}
    kind = StandIn if "|" in store.url else kinds.get(last.partition(":")[0], FsspecStore)
    return kind._over(store)
