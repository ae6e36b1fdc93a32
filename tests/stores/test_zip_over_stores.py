"""Archives in other stores: what opening and reading them asks of the store, and what is said when they change."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from servers.s3 import Server
from zarrite import _engine
from zarrite.errors import StoreError, StoreNotFoundError, UrlError
from zarrite.storage import MemoryStore
from zarrite.stores.archives import zip_over

CELLS = np.random.default_rng(7).random((16, 64, 64))
ASKED = 22 + 65_535
"""Bytes of the end of an archive that are asked for when it is opened."""


def written(path: Path) -> bytes:
    """An archive of a group: chunks and shards larger than what is read with the directory."""
    with zarrite.open_group(path, mode="w") as group:
        group.create_array("plain", data=CELLS, chunks=(1, 64, 64), compressors=None)
        group.create_array("shards", data=CELLS, chunks=(1, 32, 32), shards=(8, 64, 64))
    return path.read_bytes()


def packed(archive: bytes, folder: str = "", how: int = zipfile.ZIP_STORED, long: bool = False) -> bytes:
    """The same objects as Python's zipfile writes them, with long headers where asked for."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as objects, zipfile.ZipFile(into, "w", how) as made:
        for name in objects.namelist():
            with made.open(folder + name, "w", force_zip64=long) as entry:
                entry.write(objects.read(name))
    return into.getvalue()


def streamed(archive: bytes) -> bytes:
    """The same objects as written into a pipe: sizes come behind the bytes."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.parts.append(bytes(data))
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(io.BytesIO(archive)) as objects, zipfile.ZipFile(pipe, "w") as made:  # type: ignore[arg-type]
        for name in objects.namelist():
            made.writestr(name, objects.read(name))
    return b"".join(pipe.parts)


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "as we write it": bytes,
    "deflated": lambda archive: packed(archive, how=zipfile.ZIP_DEFLATED),
    "long headers": lambda archive: packed(archive, long=True),
    "in a folder": lambda archive: packed(archive, "top/a.zarr/"),
    "streamed": streamed,
}


@pytest.fixture(params=KINDS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    """An archive of each kind."""
    return KINDS[request.param](written(tmp_path / "a.zip"))


@pytest.fixture
def place(s3: Server) -> dict[str, Any]:
    """Where the archive of the test server is, as arguments of `zarrite.open`."""
    options = {"endpoint_url": s3.url, "key": "a", "secret": "b"}
    return {"store": f"s3://{s3.bucket}/deep/a.zarr.zip", "storage_options": options}


def asked(s3: Server) -> list[tuple[str, str]]:
    """Method and range of each request since this was last asked."""
    s3.settle()
    found = [(entry.method, str(entry.range or "")) for entry in s3.requests()]
    s3.forget()
    return found


def test_opening_is_one_request_and_a_chunk_is_one(s3: Server, place: dict[str, Any], archive: bytes) -> None:
    s3.write("deep/a.zarr.zip", archive)
    group = zarrite.open_group(**place, mode="r")
    assert asked(s3)[0] == ("GET", f"bytes=-{ASKED}")
    plain, shards = group["plain"], group["shards"]
    asked(s3)
    assert_array_equal(plain[...], CELLS)
    assert len(asked(s3)) <= 16
    assert_array_equal(shards[...], CELLS)


def test_a_node_is_read_along_with_the_directory(s3: Server, place: dict[str, Any], tmp_path: Path) -> None:
    s3.write("deep/a.zarr.zip", written(tmp_path / "a.zip"))
    group = zarrite.open_group(**place, mode="r")
    assert [name for name, _ in group.members()] == ["plain", "shards"]
    assert asked(s3) == [("GET", f"bytes=-{ASKED}")]
    assert_array_equal(group["shards"][0, :32, :32], CELLS[0, :32, :32])
    assert len(asked(s3)) == 2, "the index of the shard, then the chunk"
    assert_array_equal(group["shards"][1, :32, :32], CELLS[1, :32, :32])
    assert len(asked(s3)) == 1


def test_a_small_archive_is_one_request_in_all(s3: Server, place: dict[str, Any], tmp_path: Path) -> None:
    zarrite.save(tmp_path / "a.zip", np.arange(1000))
    s3.write("deep/a.zarr.zip", (tmp_path / "a.zip").read_bytes())
    assert_array_equal(zarrite.open_array(**place, mode="r")[...], np.arange(1000))
    assert len(asked(s3)) == 1


def test_a_directory_larger_than_the_end_is_one_request_more(s3: Server, place: dict[str, Any], tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a.zip", shape=(4000,), chunks=(1,), dtype="i4")
    array[...] = np.arange(4000) + 1
    array.close()
    s3.write("deep/a.zarr.zip", (tmp_path / "a.zip").read_bytes())
    zarrite.open_array(**place, mode="r")
    assert len(asked(s3)) <= 3, "the end, the directory, the array's document"


def test_documents_that_lie_together_are_read_together(s3: Server, place: dict[str, Any], tmp_path: Path) -> None:
    with zarrite.open_group(tmp_path / "a.ozx", mode="w") as group:
        group.create_array("a", data=np.random.default_rng(1).random(50_000), chunks=50_000)
        for number in range(50):
            group.create_group(f"g{number:02}")
    s3.write("deep/a.zarr.zip", (tmp_path / "a.ozx").read_bytes())
    opened = zarrite.open_group(**place, mode="r")
    asked(s3)
    assert len(list(opened.members())) == 51
    assert len(asked(s3)) <= 1


def test_handles_travel(s3: Server, place: dict[str, Any], archive: bytes) -> None:
    s3.write("deep/a.zarr.zip", archive)
    group = zarrite.open_group(**place, mode="r")
    again = pickle.loads(pickle.dumps(group))
    assert_array_equal(again["plain"][3], CELLS[3])
    assert again.store.url == group.store.url == f"s3://{s3.bucket}/deep/a.zarr.zip|zip:"


def test_an_archive_that_was_replaced_is_told_apart(s3: Server, place: dict[str, Any], archive: bytes) -> None:
    s3.write("deep/a.zarr.zip", archive)
    array = zarrite.open_group(**place, mode="r")["plain"]
    s3.write("deep/a.zarr.zip", archive + b"")
    s3.write("deep/a.zarr.zip", bytes(reversed(archive)))
    with pytest.raises(StoreError, match="replaced by another one since it was opened"):
        array[...]


def test_a_folder_of_that_name_is_a_folder(s3: Server, place: dict[str, Any]) -> None:
    options = place["storage_options"]
    made = zarrite.create_array(f"s3://{s3.bucket}/x", name="b.zip", data=[1, 2], storage_options=options)
    assert made.path == "b.zip"
    found = zarrite.open_array(f"s3://{s3.bucket}/x/b.zip", mode="r", storage_options=options)
    assert found[...].tolist() == [1, 2]


def test_writing_on_a_network_is_refused(place: dict[str, Any]) -> None:
    with pytest.raises(UrlError, match="written on this machine"):
        zarrite.open_group(**place, mode="w")


def test_a_web_server_is_enough(web: Server, archive: bytes) -> None:
    web.write("a.zip", archive)
    group = zarrite.open_group(f"{web.url}/a.zip", mode="r")
    assert_array_equal(group["plain"][...], CELLS)


class Ranged:
    """A store of one object in Python, which counts the bytes it gave."""

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.given = 0

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        if key != "d/a.zip":
            return None
        part = self.value[start:stop]
        self.given += len(part)
        return part

    def put(self, key: str, value: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def list(self, prefix: str) -> list[str]:
        return ["d/a.zip"]

    def size(self, key: str) -> int:
        return len(self.value)


def test_an_archive_in_any_store_is_read(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.zip").write_bytes(archive)
    stores = [
        MemoryStore({"d/a.zip": archive}),
        _engine.memory_store({"d/a.zip": archive}),
        _engine.local_store(str(tmp_path)),
        _engine.python_store(Ranged(archive)),
    ]
    folder = "top/a.zarr" if b"top/a.zarr/" in archive else ""
    for store in stores:
        opened = zip_over(store, "d/a.zip", prefix=folder)
        group = zarrite.open_group(opened, mode="r")
        assert_array_equal(group["plain"][...], CELLS)
        assert_array_equal(group["shards"][...], CELLS)
        assert opened.url.startswith(f"{store.url}/d/a.zip|zip:")
        with pytest.raises(StoreNotFoundError, match="no such object"):
            zip_over(store, "d/b.zip")
