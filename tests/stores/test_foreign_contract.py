"""The store contract on stores of other libraries, through the calls of those libraries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stores.async_store import AsyncStore
from zarrite.testing import StoreContract

NAMES = itertools.count()


class TestAsyncStore(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return AsyncStore()


class TestZarrMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return pytest.importorskip("zarr").storage.MemoryStore()


class TestZarrLoggingStore(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        zarr = pytest.importorskip("zarr")
        return zarr.storage.LoggingStore(zarr.storage.MemoryStore(), log_level="CRITICAL")


class TestZarrLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        return pytest.importorskip("zarr").storage.LocalStore(tmp_path)


class TestObstoreMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return pytest.importorskip("obstore").store.MemoryStore()


class TestObstoreLocal(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        return pytest.importorskip("obstore").store.LocalStore(tmp_path)


class TestFsspecMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[Any]:
        filesystem = pytest.importorskip("fsspec").filesystem("memory")
        root = f"/contract{next(NAMES)}"
        yield filesystem.get_mapper(root)
        if filesystem.exists(root):
            filesystem.rm(root, recursive=True)


class TestFsspecAsynchronous(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        pytest.importorskip("fsspec")
        from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
        from fsspec.implementations.local import LocalFileSystem

        return AsyncFileSystemWrapper(LocalFileSystem(auto_mkdir=True)), tmp_path / "place"
