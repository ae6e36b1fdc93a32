"""`StorePath`: a store and a path in it."""

from __future__ import annotations

from typing import Any, Self

from zarrite import _engine
from zarrite.as_zarr.buffers import Buffer, default_buffer_prototype
from zarrite.as_zarr.store import ByteRequest
from zarrite.stores import join, normalize_path

__all__ = ["StorePath", "make_store", "make_store_path"]

MODES = ("r", "r+", "a", "w", "w-", None)


class StorePath:
    """A path in a store: of a node, or of one object.

    Args:
        store: the store.
        path: the path in it.
    """

    def __init__(self, store: Any, path: str = "") -> None:
        self.store = store
        self.path = normalize_path(path)

    def __zarrite_store__(self, read_only: bool) -> tuple[_engine.Store, str]:
        store = self.store
        if isinstance(store, _engine.Store):
            return store, self.path
        found, base = store.__zarrite_store__(read_only)
        return found, join(base, self.path)

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return bool(self.store.read_only)

    @classmethod
    async def open(cls, store: Any, path: str, mode: str | None = None) -> Self:
        """A path of a store that was opened.

        Raises:
            ValueError: a mode that writes, of a store that refuses that; or a word that is no mode.
            FileExistsError: mode "w-", and something is there.
        """
        if mode not in MODES:
            raise ValueError(f"Invalid mode: {mode}, expected one of {MODES[:-1]}")
        if mode is not None and mode != "r" and store.read_only:
            raise ValueError(f"Store is read-only but mode is {mode!r}. Create a writable store or use 'r' mode.")
        if mode == "r" and not store.read_only:
            try:
                store = store.with_read_only(True)
            except NotImplementedError as error:
                raise ValueError(
                    "Store is not read-only but mode is 'r'. Unable to create a read-only copy of the store. "
                    "Please use a read-only store or a storage class that implements .with_read_only()."
                ) from error
        await store._ensure_open()
        self = cls(store, path)
        if mode == "w-" and not await self.is_empty():
            raise FileExistsError(f"{self} contains keys already; replace them with mode 'w', or add to them with 'a'")
        return self

    async def get(self, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of the object, or some of them."""
        found: Buffer | None = await self.store.get(
            self.path, prototype=prototype or default_buffer_prototype(), byte_range=byte_range
        )
        return found

    async def set(self, value: Buffer) -> None:
        """Keeps the object."""
        await self.store.set(self.path, value)

    async def set_if_not_exists(self, default: Buffer) -> None:
        """Keeps the object unless there is one."""
        await self.store.set_if_not_exists(self.path, default)

    async def delete(self) -> None:
        """Forgets the object."""
        await self.store.delete(self.path)

    async def delete_dir(self) -> None:
        """Forgets every object below the path."""
        await self.store.delete_dir(self.path)

    async def exists(self) -> bool:
        """Whether there is an object."""
        return bool(await self.store.exists(self.path))

    async def is_empty(self) -> bool:
        """Whether there is no object below the path."""
        return bool(await self.store.is_empty(self.path))

    def get_sync(self, *, prototype: Any = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of the object, where the store answers without coroutines."""
        found: Buffer | None = self._sync("get_sync")(
            self.path, prototype=prototype or default_buffer_prototype(), byte_range=byte_range
        )
        return found

    def set_sync(self, value: Buffer) -> None:
        """Keeps the object, where the store answers without coroutines."""
        self._sync("set_sync")(self.path, value)

    def delete_sync(self) -> None:
        """Forgets the object, where the store answers without coroutines."""
        self._sync("delete_sync")(self.path)

    def _sync(self, name: str) -> Any:
        method = getattr(self.store, name, None)
        if method is None:
            verb = name.removesuffix("_sync")
            raise TypeError(f"Store {type(self.store).__name__} does not support synchronous {verb}.")
        return method

    def __truediv__(self, other: str) -> Self:
        return type(self)(self.store, join(self.path, normalize_path(other)))

    def __str__(self) -> str:
        return join(str(self.store), self.path)

    def __repr__(self) -> str:
        return f"StorePath({type(self.store).__name__}, '{self}')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorePath) and self.store == other.store and self.path == other.path

    __hash__ = object.__hash__


async def make_store(place: Any, *, mode: str | None = None, storage_options: Any = None) -> Any:
    """The store that a place means."""
    return (await make_store_path(place, mode=mode, storage_options=storage_options)).store


async def make_store_path(
    place: Any, *, path: str | None = "", mode: str | None = None, storage_options: Any = None
) -> StorePath:
    """The store and the path that a place means."""
    from zarrite.stores import resolve
    from zarrite.stores.protocol import shown

    if mode not in MODES:
        raise ValueError(f"Invalid mode: {mode}, expected one of {MODES[:-1]}")
    store, inside = resolve(place, path, read_only=mode == "r", storage_options=storage_options)
    return await StorePath.open(shown(store), inside, mode)
