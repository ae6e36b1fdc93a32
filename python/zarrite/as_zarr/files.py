"""Stores in files of this machine, as `zarr.storage` has them: a directory, and a zip archive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Self

from zarrite import _engine, storage
from zarrite._engine import Store as Engine
from zarrite.as_zarr.native import EngineStore
from zarrite.errors import UnsupportedError


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
            UnsupportedError: always (a `NotImplementedError`); the sentence says what does it.
        """
        raise UnsupportedError(
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
