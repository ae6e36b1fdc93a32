"""The store contract on stores of other libraries, through the calls of those libraries."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from zarrite.testing import StoreContract

NAMES = itertools.count()


class AsyncStore:
    """A store with zarr-python's interface and nothing of zarr-python, which counts the calls under way together."""

    read_only = False

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.under_way = self.most = self.gets = 0

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        import asyncio

        self.gets += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.002)
        self.under_way -= 1
        found = self.objects.get(key)
        if found is None:
            return None
        if hasattr(byte_range, "suffix"):
            found = found[max(len(found) - byte_range.suffix, 0) :]
        elif hasattr(byte_range, "offset"):
            found = found[byte_range.offset :]
        elif byte_range is not None:
            found = found[byte_range.start : byte_range.end]
        return prototype.buffer.from_bytes(found)

    async def set(self, key: str, value: Any) -> None:
        self.objects[key] = value.to_bytes()

    async def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    async def exists(self, key: str) -> bool:
        return key in self.objects

    async def getsize(self, key: str) -> int:
        if key not in self.objects:
            raise FileNotFoundError(key)
        return len(self.objects[key])

    async def list(self) -> AsyncIterator[str]:
        for key in sorted(self.objects):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        below = f"{prefix}/" if prefix else ""
        names = {key.removeprefix(below).split("/")[0] for key in self.objects if key.startswith(below)}
        for name in sorted(names):
            yield name


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
