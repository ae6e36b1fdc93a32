"""Stores over stores: what forwards every call, what writes them down, and what makes them late."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Self

from zarrite._engine import Store as Engine
from zarrite.as_zarr.buffers import Buffer
from zarrite.as_zarr.store import ByteRequest, Store, changes_nothing
from zarrite.errors import UnsupportedError

__all__ = ["LatencyStore", "LoggingStore", "WrapperStore"]


class WrapperStore(Store):
    """A store that hands every call to another; subclasses change some of them.

    Args:
        store: the other store.
    """

    _transparent = True

    def __init__(self, store: Any) -> None:
        self._store = store

    def __class_getitem__(cls, of: Any) -> type[Self]:
        return cls

    @classmethod
    async def open(cls, store_cls: type[Any], *args: Any, **kwargs: Any) -> Self:
        """A store of a class, opened and wrapped."""
        store = store_cls(*args, **kwargs)
        await store._open()
        return cls(store)

    def __zarrite_store__(self, read_only: bool) -> tuple[Engine, str]:
        if self._transparent and changes_nothing(self):
            found: tuple[Engine, str] = self._store.__zarrite_store__(read_only)
            return found
        return super().__zarrite_store__(read_only)

    def _with_store(self, store: Any) -> Self:
        return type(self)(store)

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same, over the other store with or without writes."""
        return self._with_store(self._store.with_read_only(read_only))

    @property
    def _is_open(self) -> bool:
        return bool(self._store._is_open)

    @_is_open.setter
    def _is_open(self, value: bool) -> None:
        raise UnsupportedError(
            f"WrapperStore must be opened via the `_open` method; {self} is open when the store in it is"
        )

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return bool(self._store.read_only)

    @property
    def supports_writes(self) -> Any:
        """What the other store says."""
        return self._store.supports_writes

    @property
    def supports_deletes(self) -> Any:
        """What the other store says."""
        return self._store.supports_deletes

    @property
    def supports_listing(self) -> Any:
        """What the other store says."""
        return self._store.supports_listing

    @property
    def supports_consolidated_metadata(self) -> Any:
        """What the other store says."""
        return self._store.supports_consolidated_metadata

    @supports_consolidated_metadata.setter
    def supports_consolidated_metadata(self, value: Any) -> None:
        raise AttributeError("the store that is wrapped says this")

    async def _open(self) -> None:
        await self._store._open()

    async def _ensure_open(self) -> None:
        await self._store._ensure_open()

    def _check_writable(self) -> None:
        self._store._check_writable()

    async def get(self, key: str, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None:
        found: Buffer | None = await self._store.get(key, prototype, byte_range)
        return found

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> list[Buffer | None]:
        found: list[Buffer | None] = await self._store.get_partial_values(prototype, key_ranges)
        return found

    @property
    def _supports_sync_io(self) -> bool:
        return hasattr(self._store, "get_sync") and getattr(self._store, "_supports_sync_io", True)

    def _sync(self, name: str) -> Any:
        method = getattr(self._store, name, None)
        if method is None:
            raise TypeError(f"Store {type(self._store).__name__} does not support synchronous {name[:-5]}.")
        return method

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of an object, where the other store answers without coroutines."""
        found: Buffer | None = self._sync("get_sync")(key, prototype=prototype, byte_range=byte_range)
        return found

    def set_sync(self, key: str, value: Buffer) -> None:
        """Keeps an object, where the other store answers without coroutines."""
        self._sync("set_sync")(key, value)

    def delete_sync(self, key: str) -> None:
        """Forgets an object, where the other store answers without coroutines."""
        self._sync("delete_sync")(key)

    async def exists(self, key: str) -> bool:
        return bool(await self._store.exists(key))

    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        await self._store.set_if_not_exists(key, value)

    async def _set_many(self, values: Any) -> None:
        await self._store._set_many(values)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    async def delete_dir(self, prefix: str) -> None:
        await self._store.delete_dir(prefix)

    async def clear(self) -> None:
        await self._store.clear()

    async def is_empty(self, prefix: str = "") -> bool:
        return bool(await self._store.is_empty(prefix))

    def list(self) -> AsyncIterator[str]:
        found: AsyncIterator[str] = self._store.list()
        return found

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        found: AsyncIterator[str] = self._store.list_prefix(prefix)
        return found

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        found: AsyncIterator[str] = self._store.list_dir(prefix)
        return found

    def close(self) -> None:
        self._store.close()

    def __str__(self) -> str:
        return f"wrapping-{self._store}"

    def __repr__(self) -> str:
        return f"WrapperStore({type(self._store).__name__}, '{self._store}')"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._store == getattr(other, "_store", None)

    __hash__ = object.__hash__


class LoggingStore(WrapperStore):
    """A store that writes down every call of another.

    Args:
        store: the other store.
        log_level: the level of the entries.
        log_handler: where they go; the terminal when `None`.

    Attributes:
        counter: how often each method was called.
    """

    _transparent = False

    def __init__(self, store: Any, log_level: str = "DEBUG", log_handler: logging.Handler | None = None) -> None:
        super().__init__(store)
        self.counter: dict[str, int] = defaultdict(int)
        self.log_level, self.log_handler = log_level, log_handler
        self.logger = logging.getLogger(f"LoggingStore({store})")
        self.logger.setLevel(log_level)
        if not self.logger.hasHandlers():
            handler = log_handler or self._default_handler()
            handler.setLevel(log_level)
            self.logger.addHandler(handler)

    @classmethod
    async def open(cls, store_cls: type[Any], *args: Any, **kwargs: Any) -> Self:
        """A store of a class, opened and wrapped."""
        own = {name: kwargs.pop(name) for name in ("log_level", "log_handler") if name in kwargs}
        store = store_cls(*args, **kwargs)
        await store._open()
        return cls(store, **own)

    def _default_handler(self) -> logging.Handler:
        handler = logging.StreamHandler(stream=sys.stdout)
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        return handler

    def _with_store(self, store: Any) -> Self:
        return type(self)(store, self.log_level, self.log_handler)

    @contextmanager
    def log(self, hint: Any = "") -> Iterator[None]:
        """Writes down the call that this is used in."""
        name = sys._getframe(2).f_code.co_name
        called = f"{type(self._store).__name__}.{name}" + (f"({hint})" if hint not in ("", None) else "")
        self.logger.info("Calling %s", called)
        self.counter[name] += 1
        began = time.time()
        try:
            yield
        finally:
            self.logger.info("Finished %s [%.2f s]", called, time.time() - began)

    async def _open(self) -> None:
        with self.log():
            await super()._open()

    async def get(self, key: str, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None:
        with self.log(key):
            return await super().get(key, prototype, byte_range)

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> list[Buffer | None]:
        asked = list(key_ranges)
        with self.log(",".join(one[0] for one in asked)):
            return await super().get_partial_values(prototype, asked)

    async def exists(self, key: str) -> bool:
        with self.log(key):
            return await super().exists(key)

    async def set(self, key: str, value: Buffer) -> None:
        with self.log(key):
            await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        with self.log(key):
            await super().set_if_not_exists(key, value)

    async def delete(self, key: str) -> None:
        with self.log(key):
            await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        with self.log(prefix):
            await super().delete_dir(prefix)

    async def clear(self) -> None:
        with self.log():
            await super().clear()

    async def is_empty(self, prefix: str = "") -> bool:
        with self.log():
            return await super().is_empty(prefix)

    async def getsize(self, key: str) -> int:
        with self.log(key):
            return int(await self._store.getsize(key))

    async def getsize_prefix(self, prefix: str) -> int:
        with self.log(prefix):
            return int(await self._store.getsize_prefix(prefix))

    async def list(self) -> AsyncIterator[str]:
        with self.log():
            async for key in self._store.list():
                yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        with self.log(prefix):
            async for key in self._store.list_prefix(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        with self.log(prefix):
            async for key in self._store.list_dir(prefix):
                yield key

    def __str__(self) -> str:
        return f"logging-{self._store}"

    def __repr__(self) -> str:
        return f"LoggingStore({type(self._store).__name__}, '{self._store}')"


class LatencyStore(WrapperStore):
    """A store that waits before every answer of another.

    Args:
        store: the other store.
        get_latency: seconds before something is read.
        set_latency: seconds before something is written.
    """

    _transparent = False

    def __init__(self, store: Any, *, get_latency: float = 0, set_latency: float = 0) -> None:
        super().__init__(store)
        self.get_latency, self.set_latency = float(get_latency), float(set_latency)

    def _with_store(self, store: Any) -> Self:
        return type(self)(store, get_latency=self.get_latency, set_latency=self.set_latency)

    async def get(self, key: str, prototype: Any, byte_range: ByteRequest | None = None) -> Buffer | None:
        await asyncio.sleep(self.get_latency)
        return await self._store.get(key, prototype=prototype, byte_range=byte_range)  # type: ignore[no-any-return]

    async def set(self, key: str, value: Buffer) -> None:
        await asyncio.sleep(self.set_latency)
        await self._store.set(key, value)
