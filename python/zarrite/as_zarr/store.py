"""`zarr.abc.store`: the interface that stores of other packages are written against.

A store that only has this interface is asked in batches (`zarrite.stores.zarr_stores`). Those of `zarr.storage` lead to
stores of the engine, unless a subclass changes what their methods do.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from zarrite import _engine
from zarrite.as_zarr.buffers import Buffer, default_buffer_prototype
from zarrite.errors import HandleError, ReadOnlyError, UnsupportedError
from zarrite.stores import protocol

__all__ = [
    "ByteGetter",
    "ByteRequest",
    "ByteSetter",
    "OffsetByteRequest",
    "RangeByteRequest",
    "Store",
    "SuffixByteRequest",
    "SupportsDeleteSync",
    "SupportsGetSync",
    "SupportsSetSync",
    "SupportsSyncStore",
    "SyncByteGetter",
    "SyncByteSetter",
    "set_or_delete",
]


@dataclass(frozen=True, slots=True)
class RangeByteRequest:
    """Bytes from a place up to another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OffsetByteRequest:
    """All bytes from a place on."""

    offset: int


@dataclass(frozen=True, slots=True)
class SuffixByteRequest:
    """The last bytes."""

    suffix: int


ByteRequest = RangeByteRequest | OffsetByteRequest | SuffixByteRequest

AT_ONCE = 10
"""Requests of one call that are under way together."""

# What leads to another store's content when a subclass changes it.
ASKED = (
    "clear",
    "delete",
    "delete_dir",
    "delete_sync",
    "exists",
    "get",
    "get_partial_values",
    "get_ranges",
    "get_sync",
    "getsize",
    "getsize_prefix",
    "is_empty",
    "list",
    "list_dir",
    "list_prefix",
    "set",
    "set_if_not_exists",
    "set_sync",
)


class Store(ABC):
    """A place that keeps objects, whose methods are coroutines.

    Args:
        read_only: refuse writes.
    """

    supports_consolidated_metadata: Any = True
    supports_partial_writes: Any = False

    _is_open: bool = False
    _read_only: bool = False
    _native: _engine.Store | None = None

    def __init__(self, *, read_only: bool = False) -> None:
        self._is_open = False
        self._read_only = read_only

    def __class_getitem__(cls, of: Any) -> type[Self]:
        """The class itself: annotations may name what is inside, as zarr-python's do."""
        return cls

    # ---------------------------------------------------------------- towards the engine

    def __zarrite_store__(self, read_only: bool) -> tuple[_engine.Store, str]:
        """The engine's store that leads here, always the same one, and the path in it."""
        if self._native is None:
            from zarrite.stores.foreign import store_of

            found = store_of(self, read_only=self.read_only)
            if found is None:
                raise HandleError(f"{type(self).__name__} leads to no store: it lacks methods of the interface")
            self._native = found[0]
            protocol.note(found[0], self)
        return self._native, ""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_native", "_held")}

    # ---------------------------------------------------------------- opening and closing

    @classmethod
    async def open(cls, *args: Any, **kwargs: Any) -> Self:
        """A new store, opened."""
        store = cls(*args, **kwargs)
        await store._open()
        return store

    async def _open(self) -> None:
        if self._is_open:
            raise ValueError("store is already open")
        self._is_open = True

    async def _ensure_open(self) -> None:
        if not self._is_open:
            await self._open()

    def close(self) -> None:
        """Closes the store."""
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def with_read_only(self, read_only: bool = False) -> Store:
        """The same place, with or without writes.

        Raises:
            UnsupportedError: the class has no way to (a `NotImplementedError`).
        """
        raise UnsupportedError(
            f"with_read_only is not implemented for the {type(self)} store type; give the class that method, or open "
            f"{self} again with read_only={read_only}"
        )

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self._read_only

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError(
                str(self), "store was opened in read-only mode and does not support writing; open it to be written"
            )

    # ---------------------------------------------------------------- what a store must have

    @property
    @abstractmethod
    def supports_writes(self) -> bool: ...

    @property
    @abstractmethod
    def supports_deletes(self) -> bool: ...

    @property
    @abstractmethod
    def supports_listing(self) -> bool: ...

    @abstractmethod
    def __eq__(self, value: object) -> bool: ...

    __hash__ = object.__hash__

    @abstractmethod
    async def get(self, key: str, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of an object, or some of them; `None` where there is none."""

    @abstractmethod
    async def get_partial_values(
        self, prototype: Any, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """The bytes of many objects, or some of them."""

    @abstractmethod
    async def exists(self, key: str) -> bool:
        """Whether there is an object."""

    @abstractmethod
    async def set(self, key: str, value: Buffer) -> None:
        """Keeps an object."""

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Forgets an object."""

    @abstractmethod
    def list(self) -> AsyncIterator[str]:
        """All keys."""

    @abstractmethod
    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """All keys that begin with `prefix`."""

    @abstractmethod
    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """The names directly below a prefix."""

    # ---------------------------------------------------------------- what follows from that

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Keeps an object unless there is one."""
        if not await self.exists(key):
            await self.set(key, value)

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        await asyncio.gather(*(self.set(key, value) for key, value in values))

    async def _get_many(self, requests: Iterable[tuple[str, Any, ByteRequest | None]]) -> AsyncIterator[Any]:
        for request in requests:
            yield request[0], await self.get(*request)

    async def is_empty(self, prefix: str) -> bool:
        """Whether there is no object below a prefix."""
        self._need(self.supports_listing, "list")
        async for _ in self.list_prefix(_folder(prefix)):
            return False
        return True

    async def clear(self) -> None:
        """Forgets every object."""
        self._need(self.supports_deletes and self.supports_listing, "list and delete")
        self._check_writable()
        await self.delete_dir("")

    async def delete_dir(self, prefix: str) -> None:
        """Forgets every object below a prefix."""
        self._need(self.supports_deletes and self.supports_listing, "list and delete")
        self._check_writable()
        async for key in self.list_prefix(_folder(prefix)):
            await self.delete(key)

    def _need(self, able: Any, what: str) -> None:
        if not able:
            raise UnsupportedError(f"{self} is a {type(self).__name__}, which cannot {what}; use a store that can")

    async def getsize(self, key: str) -> int:
        """How many bytes an object has.

        Raises:
            FileNotFoundError: there is no such object.
        """
        value = await self.get(key, prototype=default_buffer_prototype())
        if value is None:
            raise FileNotFoundError(key)
        return len(value)

    async def getsize_prefix(self, prefix: str) -> int:
        """How many bytes all objects below a prefix have."""
        keys = [key async for key in self.list_prefix(_folder(prefix))]
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(key: str) -> int:
            async with turns:
                return await self.getsize(key)

        return sum(await asyncio.gather(*map(one, keys)))

    async def get_ranges(
        self, key: str, byte_ranges: Sequence[ByteRequest | None], *, prototype: Any, **limits: Any
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        """Parts of one object, each with its number among those that were asked for."""
        turns = asyncio.Semaphore(limits.get("max_concurrency", AT_ONCE))

        async def one(number: int, asked: ByteRequest | None) -> tuple[int, Buffer | None]:
            async with turns:
                found = await self.get(key, prototype, asked)
            if found is None:
                raise BaseExceptionGroup("unhandled errors in a TaskGroup", [FileNotFoundError(key)])
            return number, found

        for answer in asyncio.as_completed([one(*asked) for asked in enumerate(byte_ranges)]):
            yield [await answer]

    def get_ranges_sync(
        self, key: str, byte_ranges: Sequence[ByteRequest | None], *, prototype: Any, **limits: Any
    ) -> Sequence[tuple[int, Buffer | None]]:
        """The same, for stores that answer without coroutines."""
        if not isinstance(self, SupportsGetSync):
            raise TypeError(f"{type(self).__name__} does not support synchronous reads")
        found = [self.get_sync(key, prototype=prototype, byte_range=asked) for asked in byte_ranges]
        if any(one is None for one in found):
            raise BaseExceptionGroup("parts of an object", [FileNotFoundError(key)])
        return list(enumerate(found))

    async def _get_bytes(self, key: str, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> bytes:
        found = await self.get(key, prototype or default_buffer_prototype(), byte_range)
        if found is None:
            raise FileNotFoundError(key)
        return found.to_bytes()

    async def _get_json(self, key: str, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> Any:
        import json

        return json.loads(await self._get_bytes(key, prototype=prototype, byte_range=byte_range))


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else prefix + "/"


def changes_nothing(store: Store) -> bool:
    """Whether a store's methods are those that are written here, and not those of a subclass or of a test."""
    kind, own = type(store), vars(store)
    for name in ASKED:
        if name in own:
            return False
        method = getattr(kind, name, None)
        if method is not None and not (getattr(method, "__module__", None) or "").startswith("zarrite."):
            return False
    return True


# ---------------------------------------------------------------- protocols


@runtime_checkable
class ByteGetter(Protocol):
    """What gives the bytes of one object."""

    async def get(self, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None: ...


@runtime_checkable
class ByteSetter(Protocol):
    """What gives and takes the bytes of one object."""

    async def get(self, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None: ...
    async def set(self, value: Buffer) -> None: ...
    async def delete(self) -> None: ...
    async def set_if_not_exists(self, default: Buffer) -> None: ...


@runtime_checkable
class SyncByteGetter(Protocol):
    """A `ByteGetter` without coroutines."""

    def get_sync(self, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None: ...


@runtime_checkable
class SyncByteSetter(SyncByteGetter, Protocol):
    """A `ByteSetter` without coroutines."""

    def set_sync(self, value: Buffer) -> None: ...
    def delete_sync(self) -> None: ...


@runtime_checkable
class SupportsGetSync(Protocol):
    """A store that can be read without coroutines."""

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None: ...


@runtime_checkable
class SupportsSetSync(Protocol):
    """A store that can be written without coroutines."""

    def set_sync(self, key: str, value: Buffer) -> None: ...


@runtime_checkable
class SupportsDeleteSync(Protocol):
    """A store that can be deleted from without coroutines."""

    def delete_sync(self, key: str) -> None: ...


@runtime_checkable
class SupportsSyncStore(SupportsGetSync, SupportsSetSync, SupportsDeleteSync, Protocol):
    """A store that needs no coroutines."""


async def set_or_delete(byte_setter: Any, value: Buffer | None) -> None:
    """Keeps an object; forgets it when the value is `None`."""
    if value is None:
        await byte_setter.delete()
    else:
        await byte_setter.set(value)
