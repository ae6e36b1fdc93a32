"""What the stores of `zarr.storage` have in common: each leads to a store of the engine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self

from zarrite import _engine
from zarrite._engine import Store as Engine
from zarrite.as_zarr.buffers import Buffer, BufferPrototype, default_buffer_prototype
from zarrite.as_zarr.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
    changes_nothing,
)
from zarrite.stores import protocol

__all__ = ["EngineStore", "ends"]


def ends(asked: ByteRequest | None) -> tuple[int | None, int | None]:
    """The first byte and one past the last, as the engine counts them.

    Raises:
        ValueError: it is no request for bytes.
    """
    match asked:
        case None:
            return None, None
        case RangeByteRequest():
            return asked.start, asked.end
        case OffsetByteRequest():
            return asked.offset, None
        case SuffixByteRequest():
            return -asked.suffix, None
    raise ValueError(f"Unexpected byte_range, got {asked}.")


class EngineStore(Store):
    """A store of the engine with zarr-python's interface.

    Args:
        store: the engine's store; made by `_made` when it is first needed, where there is none.
        read_only: refuse writes.
    """

    supports_writes: Any = True
    supports_deletes: Any = True
    supports_listing: Any = True

    def __init__(self, store: Engine | None = None, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        if store is not None:
            self._take(store)

    @classmethod
    def _over(cls, store: Engine) -> Self:
        """The object that stands for a store which the engine has already."""
        self = cls.__new__(cls)
        EngineStore.__init__(self, store, read_only=store.read_only)
        self._is_open = True
        return self

    def _take(self, store: Engine) -> Engine:
        self._engine_store = store
        protocol.note(store, self)
        return store

    @abstractmethod
    def _made(self) -> Engine:
        """The engine's store."""

    @property
    def _engine(self) -> Engine:
        store: Engine | None = vars(self).get("_engine_store")
        return self._take(self._made()) if store is None else store

    def __zarrite_store__(self, read_only: bool) -> tuple[Engine, str]:
        return (self._engine, "") if changes_nothing(self) else super().__zarrite_store__(read_only)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_native", "_held", "_engine_store")}

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same place, with or without writes."""
        other = self.__class__.__new__(type(self))
        other.__dict__.update(self.__getstate__())
        other._read_only, other._is_open = read_only, False
        return other

    # ---------------------------------------------------------------- without coroutines

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of an object, or some of them; `None` where there is none."""
        return _buffer(self._asked(key, byte_range).result(), prototype)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Keeps an object."""
        self._check_writable()
        self._engine.put(key, _bytes(self, value)).result()

    def delete_sync(self, key: str) -> None:
        """Forgets an object; a missing one is fine."""
        self._check_writable()
        self._engine.delete([key]).result()

    def _asked(self, key: str, byte_range: ByteRequest | None) -> Any:
        self._is_open = True
        return self._engine.get(key, *ends(byte_range))

    # ---------------------------------------------------------------- the interface

    async def get(self, key: str, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of an object, or some of them; `None` where there is none."""
        await self._ensure_open()
        try:
            return _buffer(await self._asked(key, byte_range), prototype)
        except IsADirectoryError:
            return None

    async def get_partial_values(
        self, prototype: Any, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """The bytes of many objects, or some of them, all asked for at once."""
        await self._ensure_open()
        parts = [(key, *ends(asked), False) for key, asked in key_ranges]
        return [_buffer(found, prototype) for found in await _engine.get_parts(self._engine, parts)]

    async def exists(self, key: str) -> bool:
        """Whether there is an object."""
        await self._ensure_open()
        try:
            return await self._engine.size(key) is not None
        except IsADirectoryError:
            return False

    async def set(self, key: str, value: Buffer) -> None:
        """Keeps an object."""
        self._check_writable()
        await self._ensure_open()
        await self._engine.put(key, _bytes(self, value))

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Keeps an object unless there is one."""
        self._check_writable()
        await self._ensure_open()
        await self._engine.put_if_absent(key, _bytes(self, value))

    async def delete(self, key: str) -> None:
        """Forgets an object; a missing one is fine."""
        self._check_writable()
        await self._ensure_open()
        if key:
            await self._engine.delete([key])
        else:  # the root is no object, and what is meant is everything in it
            await self._engine.delete_prefix("")

    async def delete_dir(self, prefix: str) -> None:
        """Forgets every object below a prefix."""
        self._check_writable()
        await self._ensure_open()
        await self._engine.delete_prefix(prefix.rstrip("/"))

    async def clear(self) -> None:
        """Forgets every object."""
        await self.delete_dir("")

    async def list(self) -> AsyncIterator[str]:
        """All keys."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """All keys that begin with `prefix`."""
        await self._ensure_open()
        folder, _, _ = prefix.rpartition("/")
        for key in await self._engine.list(folder):
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """The names directly below a prefix."""
        await self._ensure_open()
        keys, below = await self._engine.list_dir(prefix.rstrip("/"))
        for name in dict.fromkeys([*keys, *below]):
            yield name

    async def is_empty(self, prefix: str) -> bool:
        """Whether there is no object below a prefix."""
        keys, below = await self._engine.list_dir(prefix.rstrip("/"))
        return not keys and not below

    async def getsize(self, key: str) -> int:
        """How many bytes an object has.

        Raises:
            FileNotFoundError: there is no such object.
        """
        await self._ensure_open()
        size = await self._engine.size(key)
        if size is None:
            raise FileNotFoundError(key)
        return size

    async def getsize_prefix(self, prefix: str) -> int:
        """How many bytes all objects below a prefix have."""
        return (await self._engine.usage(prefix.rstrip("/")))[1]

    def close(self) -> None:
        """Closes the store; an archive that was changed is written now."""
        if "_engine_store" in vars(self):
            _engine.close(self._engine).result()
        super().close()

    def __str__(self) -> str:
        return self._engine.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, type(self))
            and self._engine.identity == other._engine.identity
            and self.read_only == other.read_only
        )

    __hash__ = object.__hash__


def _buffer(found: bytes | None, prototype: Any) -> Buffer | None:
    if found is None:
        return None
    words: BufferPrototype = prototype or default_buffer_prototype()
    return words.buffer.from_bytes(found)


def _bytes(store: Store, value: Any) -> bytes:
    to_bytes = getattr(value, "to_bytes", None)
    if to_bytes is None or isinstance(value, int):
        raise TypeError(
            f"{type(store).__name__}.set(): `value` must be a Buffer instance. "
            f"Got an instance of {type(value)} instead."
        )
    made: bytes = to_bytes()
    return made
