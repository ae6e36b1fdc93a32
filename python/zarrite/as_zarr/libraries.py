"""Stores that other libraries reach, fsspec and obstore, as `zarr.storage` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from zarrite._engine import Store as Engine
from zarrite.as_zarr.native import EngineStore
from zarrite.stores import origin_of, resolve


class FsspecStore(EngineStore):
    """A place in a file system of fsspec. Those that the engine reaches itself are asked by it.

    Args:
        fs: the file system.
        read_only: refuse writes.
        path: the place in it.
        allowed_exceptions: taken for zarr-python's sake: what says that there is no object is known.
    """

    path: str
    allowed_exceptions: tuple[type[Exception], ...]
    _url: str
    _options: dict[str, Any]

    def __init__(
        self, fs: Any, read_only: bool = False, path: str = "/", allowed_exceptions: tuple[type[Exception], ...] = ()
    ) -> None:
        super().__init__(read_only=read_only)
        self.fs, self.path, self.allowed_exceptions = fs, path, allowed_exceptions

    @classmethod
    def _over(cls, store: Engine) -> Self:
        self = super()._over(store)
        origin: Any = origin_of(store)
        self._url, self.path, self.allowed_exceptions = store.url, "", ()
        if hasattr(origin, "fs"):
            self.fs, self.path = origin.fs, str(getattr(origin, "root", getattr(origin, "path", "")))
        return self

    def __getattr__(self, name: str) -> Any:
        # The engine asks a network without fsspec, so its file system is made for who wants to see it.
        url = vars(self).get("_url")
        if name != "fs" or url is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from fsspec.core import url_to_fs

        self.fs, self.path = url_to_fs(url.partition("?")[0], **vars(self).get("_options", {}))
        return self.fs

    @classmethod
    def from_url(
        cls,
        url: str,
        storage_options: Mapping[str, Any] | None = None,
        read_only: bool = False,
        allowed_exceptions: tuple[type[Exception], ...] = (),
    ) -> Self:
        """The place that a URL names."""
        store, path = resolve(url, storage_options=storage_options, read_only=read_only)
        self = cls._over(store.prefixed(path) if path else store)
        self._read_only, self._options, self.allowed_exceptions = (
            read_only,
            dict(storage_options or {}),
            allowed_exceptions,
        )
        return self

    @classmethod
    def from_mapper(
        cls, fs_map: Any, read_only: bool = False, allowed_exceptions: tuple[type[Exception], ...] = ()
    ) -> Self:
        """The place of a mapping of fsspec."""
        return cls(fs_map.fs, read_only, fs_map.root, allowed_exceptions)

    @classmethod
    def from_upath(
        cls, upath: Any, read_only: bool = False, allowed_exceptions: tuple[type[Exception], ...] = ()
    ) -> Self:
        """The place of a path of universal_pathlib."""
        return cls(upath.fs, read_only, upath.path.rstrip("/"), allowed_exceptions)

    def _made(self) -> Engine:
        url = vars(self).get("_url")
        place = (self.fs, self.path) if url is None else url
        options = None if url is None else vars(self).get("_options")
        store, path = resolve(place, storage_options=options or None, read_only=self.read_only)
        return store.prefixed(path) if path else store

    def __str__(self) -> str:
        return self.__repr__()

    def __repr__(self) -> str:
        return f"<FsspecStore({type(self.fs).__name__}, {self.path})>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, type(self))
            and self.read_only == other.read_only
            and (self._engine.identity == other._engine.identity or (self.fs, self.path) == (other.fs, other.path))
        )

    __hash__ = object.__hash__


class ObjectStore(EngineStore):
    """A store of obstore. What the engine can carry over it asks itself.

    Args:
        store: the store of obstore.
        read_only: refuse writes.
    """

    def __init__(self, store: Any, *, read_only: bool = False) -> None:
        if not type(store).__module__.startswith("obstore"):
            raise TypeError(f"expected ObjectStore class, got {store!r}")
        super().__init__(read_only=read_only)
        self.store = store

    def _made(self) -> Engine:
        store, path = resolve(self.store, read_only=self.read_only)
        return store.prefixed(path) if path else store

    def __str__(self) -> str:
        return f"object_store://{self.store}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.read_only == other.read_only and self.store == other.store

    __hash__ = object.__hash__
