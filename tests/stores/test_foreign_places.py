"""Stores of other libraries: which way is taken to each, what they read and write, and how many calls that costs."""

from __future__ import annotations

import asyncio
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from stores.async_store import AsyncStore
from zarrite.errors import MissingDependencyError, ReadOnlyError, UrlError
from zarrite.stores import resolve
from zarrite.stores.filesystems import from_fsspec_url

CELLS = np.arange(4096, dtype="i4").reshape(64, 64)


def kept(place: Any, **settings: Any) -> zarrite.Array:
    """CELLS, written as an array of 64 chunks."""
    return zarrite.create_array(place, data=CELLS, chunks=(8, 8), **settings)


def way(place: Any) -> str:
    """The URL of the store that a place leads to."""
    return resolve(place)[0].url


# ---------------------------------------------------------------- batches


def test_a_batch_of_gets_is_one_gather() -> None:
    store = AsyncStore()
    store.objects.update({f"k{at}": b"%d" % at for at in range(200)})
    engine = resolve(store)[0]
    got = engine.get_many([f"k{at}" for at in range(200)] + ["missing"]).result()
    assert got == [b"%d" % at for at in range(200)] + [None]
    assert store.most == 201


def test_chunks_of_one_read_are_under_way_together() -> None:
    store = AsyncStore()
    kept(store)
    store.gets = store.most = 0
    array = zarrite.open_array(store, mode="r")
    np.testing.assert_array_equal(array[...], CELLS)
    assert store.most > 16
    assert store.gets <= 64 + 4


def test_coroutines_of_a_store_run_while_the_callers_own_loop_waits() -> None:
    async def main() -> zarrite.Array:
        store = AsyncStore()
        array = await zarrite.create_array.aio(store, data=CELLS, chunks=(8, 8))
        found = await asyncio.gather(*(array.read.aio(np.s_[at]) for at in range(64)))
        np.testing.assert_array_equal(np.stack(found), CELLS)
        return array

    array = asyncio.run(main())
    np.testing.assert_array_equal(array[...], CELLS)


def test_a_stores_coroutine_that_blocks_on_zarrite_is_told_and_does_not_hang() -> None:
    class Inward(AsyncStore):
        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            resolve(self)[0].get(f"again/{key}").result()

    with pytest.raises(RuntimeError, match=r"await the `\.aio` form"):
        resolve(Inward())[0].get("k").result()


def test_an_error_of_one_key_is_not_another_keys() -> None:
    class Broken(AsyncStore):
        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            if key == "c/0/1":
                raise ConnectionResetError("the line is cut")
            return await super().get(key, prototype, byte_range)

    store = Broken()
    kept(store)
    array = zarrite.open_array(store, mode="r")
    np.testing.assert_array_equal(array[8:], CELLS[8:])
    with pytest.raises(ConnectionResetError, match="the line is cut"):
        array[...]


def test_an_inner_chunk_of_a_shard_is_read_in_parts() -> None:
    store = AsyncStore()
    kept(store, shards=(64, 64), compressors=None)
    taken: list[int] = []
    get = store.get

    async def counted(key: str, prototype: Any, byte_range: Any = None) -> Any:
        found = await get(key, prototype, byte_range)
        taken.append(0 if found is None else len(found))
        return found

    store.get = counted  # type: ignore[method-assign]
    array = zarrite.open_array(store, mode="r")
    taken.clear()
    np.testing.assert_array_equal(array[8:16, 8:16], CELLS[8:16, 8:16])
    assert len(taken) == 2
    assert sum(taken) < CELLS.nbytes / 2


# ---------------------------------------------------------------- zarr-python's stores


def test_stores_of_zarr_python_are_rebuilt_where_they_can_be(tmp_path: Path) -> None:
    storage = pytest.importorskip("zarr").storage
    kept(tmp_path / "a")
    assert way(storage.LocalStore(tmp_path / "a")) == f"file://{tmp_path}/a"
    memory = storage.MemoryStore()
    assert way(memory).startswith("memory://")
    assert way(storage.LoggingStore(memory)).startswith("python+zarr://LoggingStore")
    with pytest.raises(ReadOnlyError):
        zarrite.open_array(storage.LocalStore(tmp_path / "a", read_only=True), mode="r+")


def test_both_libraries_see_one_memory_store() -> None:
    zarr = pytest.importorskip("zarr")
    for store in (zarr.storage.MemoryStore(), zarr.storage.LoggingStore(zarr.storage.MemoryStore(), log_level="ERROR")):
        kept(store)
        theirs = zarr.open_array(store)
        np.testing.assert_array_equal(theirs[...], CELLS)
        theirs[0, :] = -1
        assert (zarrite.open_array(store, mode="r")[0] == -1).all()


def test_nodes_and_places_of_zarr_python_lead_to_their_path(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path, mode="w")
    array = group.create_array("a/b", shape=(4,), dtype="i4")
    array[:] = 7
    for place in (array, array.store_path):
        assert zarrite.open_array(place, mode="r")[:].tolist() == [7] * 4
    assert zarrite.open_group(group, mode="r")["a/b"].shape == (4,)  # type: ignore[union-attr]


# ---------------------------------------------------------------- obstore


def test_obstore_is_rebuilt_and_reads_what_it_wrote(s3: Server) -> None:
    obstore = pytest.importorskip("obstore")
    settings = {"endpoint": s3.url, "access_key_id": "a", "secret_access_key": "b", "region": "us-east-1"}
    options: dict[str, Any] = {"client_options": {"allow_http": True}, "virtual_hosted_style_request": False}
    store = obstore.store.S3Store(s3.bucket, prefix="deep/er", **settings, **options)
    kept(store)
    assert way(store) == f"s3://{s3.bucket}/deep/er"
    assert obstore.head(store, "c/0/0")["size"] > 0
    provided = obstore.store.S3Store(
        s3.bucket,
        prefix="deep/er",
        endpoint=s3.url,
        region="us-east-1",
        credential_provider=lambda: {"access_key_id": "a", "secret_access_key": "b", "expires_at": None},
        **options,
    )
    assert way(provided).startswith("python+obstore://S3Store")
    array = zarrite.open_array(provided, mode="r+")
    s3.settle()
    s3.forget()
    np.testing.assert_array_equal(array[...], CELLS)
    s3.settle()
    assert s3.counts() == {"GetObject": 64}
    array[3, 3] = -5
    assert zarrite.open_array(store, mode="r")[3, 3] == -5


def test_a_stale_version_of_obstore_is_not_overwritten() -> None:
    store = pytest.importorskip("obstore").store.MemoryStore()
    from zarrite.stores.obstores import ObstoreStore

    adapter = ObstoreStore(store)
    assert adapter.put_if_absent("k", b"1")
    assert not adapter.put_if_absent("k", b"2")
    ((_, _, version),) = adapter.open_many([("k", None, None)])  # type: ignore[misc]
    store.put("k", b"3")
    assert not adapter.put_if_version("k", b"4", version)
    assert adapter.get_many([("k", 0, 1, version)]) == [None]
    assert adapter.get("k") == b"3"


# ---------------------------------------------------------------- fsspec


def test_file_systems_are_rebuilt_where_they_can_be(tmp_path: Path, s3: Server) -> None:
    fsspec = pytest.importorskip("fsspec")
    kept(tmp_path / "a")
    local = fsspec.filesystem("file")
    assert way(local.get_mapper(str(tmp_path / "a"))) == f"file://{tmp_path}/a"
    assert way((local, tmp_path / "a")) == f"file://{tmp_path}/a"
    inside = fsspec.filesystem("dir", path=str(tmp_path), fs=local)
    assert way((inside, "a")) == f"file://{tmp_path}/a"
    pytest.importorskip("s3fs")
    remote = fsspec.filesystem("s3", key="a", secret="b", endpoint_url=s3.url)
    mapper = remote.get_mapper(f"{s3.bucket}/x")
    kept(mapper)
    assert way(mapper) == f"s3://{s3.bucket}/x"
    odd = fsspec.filesystem(
        "s3", key="a", secret="b", endpoint_url=s3.url, s3_additional_kwargs={"ChecksumMode": "ENABLED"}
    )
    assert way((odd, f"{s3.bucket}/x")).startswith("python+fsspec+s3://")
    array = zarrite.open_array((odd, f"{s3.bucket}/x"), mode="r+")
    s3.settle()
    s3.forget()
    np.testing.assert_array_equal(array[...], CELLS)
    s3.settle()
    assert s3.counts() == {"GetObject": 64}
    with zarrite.config.set({"array.unsafe_writes": "allow"}):
        array[5] = 1
    assert (zarrite.open_array(mapper, mode="r")[5] == 1).all()


def test_urls_that_only_fsspec_knows(tmp_path: Path, s3: Server) -> None:
    pytest.importorskip("s3fs")
    options = {"key": "a", "secret": "b", "endpoint_url": s3.url}
    kept(f"s3://{s3.bucket}/x", storage_options=options)
    chained = from_fsspec_url(
        f"simplecache::s3://{s3.bucket}/x", {"s3": options, "simplecache": {"cache_storage": str(tmp_path)}}
    )
    np.testing.assert_array_equal(zarrite.open_array(chained, mode="r")[...], CELLS)
    s3.settle()
    s3.forget()
    np.testing.assert_array_equal(zarrite.open_array(chained, mode="r")[...], CELLS)
    s3.settle()
    assert "GetObject" not in s3.counts()


def test_a_url_of_another_scheme_is_opened_through_fsspec(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    kept(tmp_path / "a")
    references = {
        f"x/{file.relative_to(tmp_path / 'a')}": [str(file)] for file in (tmp_path / "a").rglob("*") if file.is_file()
    }
    (tmp_path / "references.json").write_text(json.dumps({"version": 1, "refs": references}))
    array = zarrite.open_array("reference://x", mode="r", storage_options={"fo": str(tmp_path / "references.json")})
    assert array.store.url == "reference://x"
    np.testing.assert_array_equal(array[...], CELLS)
    again = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(again[...], CELLS)


def test_a_chain_is_opened_through_fsspec(tmp_path: Path, s3: Server) -> None:
    pytest.importorskip("s3fs")
    options = {"key": "a", "secret": "b", "endpoint_url": s3.url}
    kept(f"s3://{s3.bucket}/x", storage_options=options)
    chain = f"simplecache::s3://{s3.bucket}/x"
    array = zarrite.open_array(
        chain, mode="r", storage_options={"s3": options, "simplecache": {"cache_storage": str(tmp_path)}}
    )
    np.testing.assert_array_equal(array[...], CELLS)


def test_what_fsspec_does_not_know_is_said() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(UrlError, match="colour"):
        from_fsspec_url("colour://x/y")
    with pytest.raises(MissingDependencyError, match="opening hdfs:// URLs needs"):
        from_fsspec_url("hdfs://x/y")


def test_paths_of_universal_pathlib(tmp_path: Path, s3: Server) -> None:
    upath = pytest.importorskip("upath").UPath
    kept(tmp_path / "a")
    assert zarrite.open_array(upath(tmp_path / "a"), mode="r").shape == (64, 64)
    options = {"key": "a", "secret": "b", "endpoint_url": s3.url}
    place = upath(f"s3://{s3.bucket}/x", **options)
    kept(place)
    assert way(place) == f"s3://{s3.bucket}/x"
    memory = upath("memory://upath-place/a")
    kept(memory)
    assert memory.joinpath("c", "0", "0").exists()
    assert way(memory).startswith("python+fsspec+memory://")


def test_handles_of_foreign_stores_travel(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    filesystem = fsspec.filesystem("memory")
    array = kept(filesystem.get_mapper("/travels"))
    again = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(again[...], CELLS)
    filesystem.rm("/travels", recursive=True)
