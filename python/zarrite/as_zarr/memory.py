"""Stores in this process's memory, as `zarr.storage` has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Self

from zarrite import _engine
from zarrite._engine import Store as Engine
from zarrite.as_zarr.buffers import Buffer, CPUBuffer
from zarrite.as_zarr.native import EngineStore
from zarrite.stores import named_memory_store, normalize_path, origin_of, store_of_object
from zarrite.stores.protocol import MappingStore


class Objects(MutableMapping[str, Buffer]):
    """What a store of the engine holds, as a dictionary of buffers."""

    def __init__(self, store: Engine) -> None:
        self._store = store

    def __getitem__(self, key: str) -> Buffer:
        found = self._store.get(key).result()
        if found is None:
            raise KeyError(key)
        return CPUBuffer.from_bytes(found)

    def __setitem__(self, key: str, value: Any) -> None:
        self._store.put(key, value.to_bytes() if hasattr(value, "to_bytes") else bytes(value)).result()

    def __delitem__(self, key: str) -> None:
        if self._store.size(key).result() is None:
            raise KeyError(key)
        self._store.delete([key]).result()

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.list("").result())

    def __len__(self) -> int:
        return len(self._store.list("").result())

    def __repr__(self) -> str:
        return repr(dict(self))


class BufferMapping(MappingStore):
    """A dictionary of buffers, as zarr-python's memory stores hold it."""

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        self.mapping[key] = CPUBuffer.from_bytes(value)

    def put_if_absent(self, key: str, value: bytes) -> bool:
        """Keeps an object unless there is one; says whether it did."""
        kept = CPUBuffer.from_bytes(value)
        return self.mapping.setdefault(key, kept) is kept


class MemoryStore(EngineStore):
    """Objects in this process's memory.

    Args:
        store_dict: a dictionary of buffers to keep them in, which is slower; the engine's own memory when `None`.
        read_only: refuse writes.
    """

    def __init__(self, store_dict: MutableMapping[str, Any] | None = None, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self._given = store_dict
        if store_dict is None:
            self._whole = _engine.memory_store()
            self._take(self._whole.with_read_only() if read_only else self._whole)

    @classmethod
    def _over(cls, store: Engine) -> Self:
        self = super()._over(store)
        origin = origin_of(store)
        self._given = origin.mapping if isinstance(origin, MappingStore) else None
        self._whole = store
        return self

    def _made(self) -> Engine:
        if self._given is None:
            store = self._whole
        else:
            self._origin = BufferMapping(self._given)
            store = store_of_object(self._origin)
        return store.with_read_only() if self.read_only else store

    @property
    def _store_dict(self) -> MutableMapping[str, Any]:
        return Objects(self._engine) if self._given is None else self._given

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same objects, with or without writes."""
        other = super().with_read_only(read_only)
        if self._given is None:
            other._whole = self._whole
            other._take(self._whole.with_read_only() if read_only else self._whole)
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_origin", "_whole")}

    def __reduce__(self) -> tuple[Any, ...]:
        if self._given is not None:
            return type(self), (self._given,), {"_read_only": self.read_only, "_is_open": self._is_open}
        from zarrite.stores import address, reopen

        return _reopened, (type(self), reopen, address(self._engine)), {"_is_open": self._is_open}

    def __str__(self) -> str:
        return self._engine.url if self._given is None else f"memory://{id(self._given)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)) or self.read_only != other.read_only:
            return False
        if self._given is None and other._given is None and self._engine.identity == other._engine.identity:
            return True
        return dict(self._store_dict) == dict(other._store_dict)

    __hash__ = object.__hash__


def _reopened(kind: type[MemoryStore], reopen: Any, where: Any) -> MemoryStore:
    return kind._over(reopen(where))


class GpuMemoryStore(MemoryStore):
    """Objects in this process's memory; decoding happens there, whatever the arrays go to."""

    @classmethod
    def from_dict(cls, store_dict: Mapping[str, Any]) -> Self:
        """A store of the objects of a dictionary."""
        return cls(dict(store_dict))


class ManagedMemoryStore(MemoryStore):
    """Objects in this process's memory under a name, which `memory://name` opens.

    Args:
        name: the name; a new one when `None`.
        path: the part of it that is the store.
        read_only: refuse writes.
    """

    _count = 0

    def __init__(self, name: str | None = None, *, path: str = "", read_only: bool = False) -> None:
        EngineStore.__init__(self, read_only=read_only)
        if name is None:
            name = str(ManagedMemoryStore._count)
            ManagedMemoryStore._count += 1
        if "/" in name:
            raise ValueError(
                f"Store name cannot contain '/': {name!r}. Use the 'path' parameter to specify a path within the store."
            )
        self.name, self.path, self._given = name, normalize_path(path), None
        self._take(self._made())

    @property
    def _store_dict(self) -> MutableMapping[str, Any]:
        return Objects(named_memory_store(self.name))

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same objects, with or without writes."""
        return type(self)(self.name, path=self.path, read_only=read_only)

    def _made(self) -> Engine:
        store = named_memory_store(self.name).prefixed(self.path) if self.path else named_memory_store(self.name)
        return store.with_read_only() if self.read_only else store

    @classmethod
    def from_url(cls, url: str, *, read_only: bool = False) -> Self:
        """The store that `memory://name/path` names.

        Raises:
            ValueError: it is no such URL, or nothing was ever kept under that name.
        """
        if not url.startswith("memory://"):
            raise ValueError(f"Expected a 'memory://' URL, got {url!r}.")
        name, _, path = url.removeprefix("memory://").partition("/")
        return cls(name, path=path, read_only=read_only)

    def __str__(self) -> str:
        return "/".join(part for part in (f"memory://{self.name}", self.path) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _managed, (type(self), self.name, self.path, self.read_only, os.getpid())


def _managed(kind: type[ManagedMemoryStore], name: str, path: str, read_only: bool, process: int) -> ManagedMemoryStore:
    if process != os.getpid():
        raise RuntimeError(
            f"ManagedMemoryStore '{name}' was created in process {process} and is used in process {os.getpid()}; "
            "write the data to a path that both can open"
        )
    return kind(name, path=path, read_only=read_only)
