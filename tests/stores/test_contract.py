"""The store contract, on every store there is."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zarrite import _engine
from zarrite.storage import LocalStore, MemoryStore, overlay
from zarrite.testing import StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return MemoryStore()


class TestPath(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        return tmp_path / "place"


class TestLocalWithFsync(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        return LocalStore(tmp_path, fsync=True)


class TestPrefixed(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        outer = _engine.memory_store()
        outer.put("beside/k", b"1").result()
        return outer.prefixed("inside/deep")


class TestRecorded(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return _engine.recorded_store(_engine.memory_store())


class TestOverlay(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        return overlay(MemoryStore(), tmp_path / "changes")


class TestOverlayOfArchive(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        with zipfile.ZipFile(tmp_path / "a.zip", "w"):
            pass
        return overlay(f"{tmp_path}/a.zip|zip:")


class TestDictionary(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return {}


class FourMethods:
    """The least a store written in Python can be."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found[start:stop]

    def put(self, key: str, value: bytes) -> None:
        self.objects[key] = value

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.objects if key.startswith(prefix)])


class TestFourMethods(StoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FourMethods()
