"""`zarr.storage`: the stores by zarr-python's names, each of which leads to one of the engine's.

A store whose methods a subclass changes is asked through them, as a store of another package is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Self

from zarrite import _engine, storage
from zarrite._engine import Store as Engine
from zarrite.as_zarr.buffers import Buffer, CPUBuffer
from zarrite.as_zarr.layers import LatencyStore, LoggingStore, WrapperStore
from zarrite.as_zarr.native import EngineStore
from zarrite.as_zarr.paths import StorePath
from zarrite.as_zarr.store import Store
from zarrite.stores import named_memory_store, normalize_path, origin_of, resolve, store_of_object
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


# ---------------------------------------------------------------- files


class LocalStore(EngineStore):
    """Files below a directory.

    Args:
        root: the directory; made when something is written.
        read_only: refuse writes.
    """

    def __init__(self, root: str | Path, *, read_only: bool = False) -> None:
        if not isinstance(root, str | Path):
            raise TypeError(f"'root' must be a string or Path instance. Got an instance of {type(root)} instead.")
        super().__init__(read_only=read_only)
        self.root = Path(root)

    @classmethod
    def _over(cls, store: Engine) -> Self:
        self = super()._over(store)
        self.root = Path(storage_path(store.url))
        return self

    @classmethod
    async def open(cls, root: str | Path, *, read_only: bool = False, mode: str | None = None) -> Self:
        """The store of a directory.

        Raises:
            FileNotFoundError: it is to be read, and is not there.
        """
        made = cls(root, read_only=read_only if mode is None else mode in ("r", "r+"))
        await made._open()
        if made.read_only == read_only:
            return made
        store = made.with_read_only(read_only)
        await store._open()
        return store

    async def _open(self, *, mode: str | None = None) -> None:
        self._have_root()
        await super()._open()

    async def _ensure_open(self) -> None:
        if not self._is_open:
            self._have_root()
            self._is_open = True

    def _have_root(self) -> None:
        if not self.read_only:
            self.root.mkdir(parents=True, exist_ok=True)
        if not self.root.exists():
            raise FileNotFoundError(f"{self.root} does not exist")

    def _made(self) -> Engine:
        return _engine.local_store(os.path.abspath(self.root), read_only=self.read_only)

    async def clear(self) -> None:
        """Forgets every object, and files that are none."""
        self._check_writable()
        shutil.rmtree(self.root)
        self.root.mkdir()

    async def move(self, dest_root: str | Path) -> None:
        """Refused: handles of what is in the store would go on looking where it was.

        Raises:
            NotImplementedError: always; the sentence says what does it.
        """
        raise NotImplementedError(
            f"handles that are open would go on looking in {self.root}; close the store, move the directory to "
            f"{dest_root} with zarrite.move, and open it there"
        )

    def __str__(self) -> str:
        return f"file://{self.root.as_posix()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.root == other.root

    __hash__ = object.__hash__


def storage_path(url: str) -> str:
    """The path that a store's URL names."""
    from zarrite.stores.paths import file_path

    return file_path(url, url.removeprefix("file:"))


class ZipStore(EngineStore):
    """A zip archive in a file. What is written shows in it once the store is closed.

    Args:
        path: the file.
        mode: "r" (read), "a" (read and change), "w" (replaced), "x" (made, must not be there); `None` for "r" where
            the file is there, and "a" where it is not.
        read_only: refuse writes; `None` for what the mode says.
        compression: objects are stored as they are, whatever is asked here: chunks are compressed by their codecs.
        allowZip64: long numbers are used where they are needed.
    """

    supports_deletes = False

    def __init__(
        self,
        path: str | Path,
        *,
        mode: str | None = None,
        read_only: bool | None = None,
        compression: int = 0,
        allowZip64: bool = True,  # noqa: N803 -- zarr-python's name
    ) -> None:
        if isinstance(path, str):
            path = Path(path)
        if not isinstance(path, Path):
            raise TypeError(
                f"an archive is a file of this machine, named by a path, not {type(path).__name__}; "
                "one on a network is opened by its URL, URL|zip:"
            )
        if mode is None:
            mode = "r" if path.exists() else "a"
        super().__init__(read_only=mode == "r" if read_only is None else read_only)
        self.path, self.compression, self.allowZip64 = path, compression, allowZip64
        self._zmode = mode

    @classmethod
    def _over(cls, store: Engine) -> Self:
        self = super()._over(store)
        self.path = Path(store.url.removeprefix("zip://"))
        self._zmode, self.compression, self.allowZip64 = ("r" if store.read_only else "a"), 0, True
        return self

    def _made(self) -> Engine:
        mode = "r" if self._zmode == "r" else self._zmode
        store = storage.ZipStore(self.path, mode=mode)
        return store.with_read_only() if self.read_only and not store.read_only else store

    async def _open(self) -> None:
        _ = self._engine
        await super()._open()

    def close(self) -> None:
        """Writes the archive; it is opened again when it is used again."""
        super().close()
        vars(self).pop("_engine_store", None)
        self._zmode = "r" if self._zmode == "r" else "a"

    def __getstate__(self) -> dict[str, Any]:
        # What is opened again elsewhere is there by then.
        state = super().__getstate__()
        return {**state, "_zmode": "r" if state["_zmode"] == "r" else "a"}

    async def move(self, path: str | Path) -> None:
        """Moves the file, and this store with it."""
        self.close()
        goal = Path(path)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.path, goal)
        self.path = goal
        self._is_open = True

    def __str__(self) -> str:
        return f"zip://{self.path}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.path == other.path and self._zmode == other._zmode

    __hash__ = object.__hash__


# ---------------------------------------------------------------- memory


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


# ---------------------------------------------------------------- other libraries


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
