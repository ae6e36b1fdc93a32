"""What may be passed as `store`."""

from __future__ import annotations

import os
import zipfile
from collections import UserDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.errors import HandleError, KeyRefusedError, StoreError, UrlError
from zarrite.storage import LocalStore, MemoryStore, StorePath, ZipStore
from zarrite.stores import MappingStore, PythonStore, address, normalize_path, reopen, resolve


def written(place: Any) -> Any:
    """The place, with a group that holds the array a."""
    zarrite.create_group(place).create_array("a", data=np.arange(10), chunks=3)
    return place


def test_paths_in_every_form_are_one_place(in_tmp_path: Path) -> None:
    written("data.zarr")
    whole = in_tmp_path / "data.zarr"
    for place in ("data.zarr", "./data.zarr", "data.zarr/", whole, str(whole), f"file://{whole}", f"file:{whole}"):
        group = zarrite.open_group(place, mode="r")
        assert group["a"][9] == 9  # type: ignore[index]
        assert group.store.url == f"file://{whole}"
    assert zarrite.open_array("data.zarr/a", mode="r")[1] == 1
    assert zarrite.open_array(f"file://localhost{whole}/a", mode="r")[1] == 1
    assert zarrite.open_array(os.fspath(whole), path="a", mode="r")[1] == 1


def test_a_url_may_be_escaped(tmp_path: Path) -> None:
    written(tmp_path / "a space")
    assert zarrite.open_group(f"file://{tmp_path}/a%20space", mode="r")["a"][0] == 0  # type: ignore[index]


def test_a_url_of_another_machine_is_refused() -> None:
    with pytest.raises(UrlError, match="only files of this machine"):
        zarrite.open("file://elsewhere/a")


def test_a_zip_archive_is_read(tmp_path: Path) -> None:
    written(tmp_path / "d")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for file in sorted((tmp_path / "d").rglob("*")):
            archive.write(file, file.relative_to(tmp_path / "d"))
    for place in (tmp_path / "d.zip", str(tmp_path / "d.zip"), ZipStore(tmp_path / "d.zip")):
        group = zarrite.open(place)
        assert isinstance(group, zarrite.Group)
        assert group["a"][:].tolist() == list(range(10))  # type: ignore[index,union-attr]
        assert [name for name, _ in group.members()] == ["a"]
    assert zarrite.open(tmp_path / "d.zip", mode="r").read_only
    with pytest.raises(FileNotFoundError):
        zarrite.open(tmp_path / "missing.zip", mode="r")


def test_a_directory_may_be_called_zip(tmp_path: Path) -> None:
    (tmp_path / "d.zip").mkdir()
    assert written(tmp_path / "d.zip").is_dir()
    assert zarrite.open_group(tmp_path / "d.zip", mode="r+")["a"][1] == 1  # type: ignore[index]


@pytest.mark.parametrize("make", [dict, UserDict])
def test_a_mapping_holds_what_is_written(make: Any) -> None:
    mapping = written(make())
    assert sorted(mapping) == ["a/c/0", "a/c/1", "a/c/2", "a/c/3", "a/zarr.json", "zarr.json"]
    assert all(type(value) is bytes for value in mapping.values())
    assert zarrite.open_group(mapping)["a"][9] == 9  # type: ignore[index]
    del mapping["a/c/3"]
    assert zarrite.open_group(mapping)["a"][9] == 0  # type: ignore[index]
    mapping["a/c/3"] = bytearray(mapping["a/c/0"])
    assert zarrite.open_group(mapping)["a"][9] == 0  # type: ignore[index]


def test_a_mapping_of_something_else_says_where() -> None:
    mapping: dict[str, Any] = written({})
    mapping["a/c/0"] = 5
    with pytest.raises(OSError, match="int there, not bytes") as caught:
        zarrite.open_group(mapping)["a"][0]  # type: ignore[index]
    assert isinstance(caught.value, StoreError)
    assert caught.value.key == "a/c/0"


class Folder:
    """A store as a user would write one: four methods."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found[start:stop]

    def put(self, key: str, value: bytes) -> None:
        self.objects[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[str]:
        return (key for key in list(self.objects) if key.startswith(prefix))


@pytest.mark.filterwarnings("ignore::zarrite.errors.UnsafeWriteWarning")
def test_an_object_with_four_methods_is_a_store() -> None:
    assert isinstance(Folder(), PythonStore)
    group = zarrite.open_group(written(Folder()))
    array = group["a"]
    assert isinstance(array, zarrite.Array)
    array[2:5] = 7
    array.resize(6)
    assert array[:].tolist() == [0, 1, 7, 7, 7, 5]
    assert [name for name, _ in group.members()] == ["a"]
    group.move("a", "b")
    assert group["b"][2] == 7  # type: ignore[index]
    sharded = group.create_array("s", data=np.arange(100), chunks=5, shards=50)
    assert sharded[::7].tolist() == list(range(0, 100, 7))
    assert group.copy("s", "t")[99] == 99  # type: ignore[index]
    del group["b"]
    assert list(group) == ["s", "t"]


def test_what_such_a_store_raises_comes_back() -> None:
    class Broken(Folder):
        def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
            raise RuntimeError(f"no answer for {key}")

    with pytest.raises(RuntimeError, match=r"no answer for .*zarr\.json"):
        zarrite.open(Broken(), mode="r")


def test_such_a_store_may_be_read_only() -> None:
    folder = written(Folder())
    folder.read_only = True
    assert zarrite.open_group(folder, mode="r").read_only
    with pytest.raises(PermissionError):
        zarrite.open_group(folder, mode="r+")


def test_named_memory_is_one_place_in_this_process() -> None:
    zarrite.create_array("memory://places/x", data=np.arange(3), overwrite=True)
    assert zarrite.open_array("memory://places/x")[2] == 2
    assert zarrite.open_array("memory://places", path="x")[2] == 2
    with pytest.raises(FileNotFoundError):
        zarrite.open_array("memory://other/x", mode="r")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("colour://x", "no store is known for colour://; known: a path"),
        ("", "empty text"),
        ("nul\0", "NUL"),
    ],
)
def test_other_places_are_refused_with_what_is_missing(url: str, says: str) -> None:
    with pytest.raises(UrlError, match=says):
        zarrite.open(url)


def test_options_of_remote_stores_are_refused_for_others(tmp_path: Path) -> None:
    with pytest.raises(UrlError, match=r"storage_options \(anon\)"):
        zarrite.open(tmp_path, storage_options={"anon": True})
    assert zarrite.open_group(tmp_path, storage_options={})


@pytest.mark.parametrize("place", [5, 1.5, object(), b"bytes"])
def test_what_is_no_place_is_a_type_error(place: Any) -> None:
    with pytest.raises(TypeError, match="not a place zarrite can open"):
        zarrite.open(place)


def test_a_store_is_used_as_it_is() -> None:
    store = _engine.memory_store()
    assert zarrite.open_group(written(store)).store is store
    at = StorePath(store, "a")
    assert zarrite.open_array(at)[3] == 3
    assert str(at / "b").endswith("/a/b")
    assert zarrite.open_array(StorePath(store), path="a").path == "a"


def test_names_of_zarr_python_make_and_recognise_stores(tmp_path: Path) -> None:
    local, memory = LocalStore(tmp_path), MemoryStore()
    assert isinstance(local, LocalStore)
    assert not isinstance(local, MemoryStore)
    assert isinstance(memory, MemoryStore)
    assert isinstance(zarrite.create_group(tmp_path / "g").store, LocalStore)
    assert not isinstance("text", LocalStore)
    assert LocalStore(tmp_path, read_only=True).read_only
    mapping: dict[str, Any] = {}
    zarrite.create_group(MemoryStore(mapping))
    assert list(mapping) == ["zarr.json"]
    assert isinstance(MemoryStore(mapping, read_only=True), MemoryStore)


@pytest.mark.parametrize(
    ("path", "settled"),
    [(None, ""), ("", ""), ("/", ""), ("a", "a"), ("/a//b/", "a/b"), ("a\\b", "a/b"), ("a.b/..c", "a.b/..c")],
)
def test_paths_are_settled(path: str | None, settled: str) -> None:
    assert normalize_path(path) == settled


@pytest.mark.parametrize("path", ["..", "a/../b", "./a", "a/.", "a\0"])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(KeyRefusedError, match="is refused"):
        normalize_path(path)


def test_an_address_leads_back(tmp_path: Path) -> None:
    for place in (tmp_path / "a", {}, None, Folder()):
        store, _ = resolve(place)
        again = reopen(address(store))
        assert again.identity == store.identity or not isinstance(place, (type(None), Path))
        assert reopen(address(store.with_read_only())).read_only


def test_a_place_of_memory_that_nobody_knows_is_told() -> None:
    store = _engine.memory_store()
    where = address(store)
    with pytest.raises(HandleError, match="memory of process"):
        reopen(where._replace(place=(1, "nobody")))


def test_a_mapping_store_is_a_store() -> None:
    store = MappingStore({"a": b"12345"})
    assert store.get("a", 1, 3) == b"23"
    assert store.get("a", -2) == b"45"
    assert store.get("b") is None
    assert store.put_if_absent("b", b"1")
    assert not store.put_if_absent("b", b"2")
    assert store.list("") == ["a", "b"]
    store.delete("missing")
    assert repr(store) == "<MappingStore of 2 objects>"
