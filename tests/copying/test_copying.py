"""Nodes copied, moved and deleted as a whole, between stores of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite import _engine
from zarrite.errors import (
    ContainsArrayError,
    ContainsGroupError,
    KeyRefusedError,
    NodeExistsError,
    NodeNotFoundError,
    ReadOnlyError,
)
from zarrite.progress import Report

CELLS = np.arange(60, dtype="i4").reshape(6, 10)


def fill(place: Any, zarr_format: int = 3) -> zarrite.Group:
    """A small hierarchy."""
    group = zarrite.create_group(place, zarr_format=zarr_format, attributes={"title": "all"})
    group.create_array("a", data=CELLS, chunks=(2, 3), attributes={"units": "m"})
    group.create_array("deep/er/b", data=CELLS[0], chunks=(4,))
    group.create_group("deep/empty")
    return group


def contents(place: Any) -> dict[str, bytes]:
    """Every object below a place."""
    store, path = zarrite.stores.resolve(place) if not isinstance(place, tuple) else place
    prefix = f"{path}/" if path else ""
    return {key.removeprefix(prefix): store.get(key).result() for key in store.list(path).result()}


@pytest.fixture(params=["folder", "memory", "mapping"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A place where nothing is."""
    return {
        "folder": lambda: tmp_path / "place.zarr",
        "memory": _engine.memory_store,
        "mapping": dict[str, bytes],
    }[request.param]()


@pytest.fixture
def bucket() -> Iterator[dict[str, Any]]:
    with Server() as server:
        yield server.options()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_copy_has_the_same_objects(place: Any, tmp_path: Path, zarr_format: int) -> None:
    fill(tmp_path / "source", zarr_format)
    done = zarrite.copy(tmp_path / "source", place)
    assert contents(place) == contents(tmp_path / "source")
    assert (done.objects, done.bytes) == (len(contents(place)), sum(map(len, contents(place).values())))
    assert np.array_equal(zarrite.open_array(place, path="a", mode="r")[...], CELLS)


def test_a_part_goes_to_a_path_whose_groups_are_made(place: Any, tmp_path: Path) -> None:
    fill(tmp_path / "source")
    zarrite.copy(tmp_path / "source", place, source_path="deep", target_path="far/away")
    assert np.array_equal(zarrite.open_array(place, path="far/away/er/b", mode="r")[...], CELLS[0])
    assert isinstance(zarrite.open(place, path="far", mode="r"), zarrite.Group)


def test_objects_of_every_size_arrive(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source = zarrite.create_group(tmp_path / "source")
    for bytes_ in (0, 1, 4095, 1 << 20, (3 << 20) + 7):
        data = rng.integers(0, 256, bytes_, dtype="u1")
        source.create_array(f"of{bytes_}", data=data, chunks=(max(1, bytes_),), compressors=None)
    for target in (tmp_path / "target", {}):
        zarrite.copy(source, target)
        assert contents(target) == contents(tmp_path / "source")


def test_awaiting_copies_as_calling_does(tmp_path: Path) -> None:
    import asyncio

    fill(tmp_path / "source")
    store: dict[str, bytes] = {}
    asyncio.run(zarrite.copy.aio(tmp_path / "source", store))
    assert contents(store) == contents(tmp_path / "source")
    asyncio.run(zarrite.delete.aio(store))
    assert store == {}


def test_documents_are_put_after_all_chunks_and_the_outermost_last(tmp_path: Path) -> None:
    for zarr_format in (2, 3):
        fill(tmp_path / f"source{zarr_format}", zarr_format)
        store = _engine.recorded_store(_engine.memory_store())
        zarrite.copy(tmp_path / f"source{zarr_format}", store)
        puts = [key for operation, key, *_ in _engine.recorded(store) if operation == "put"]
        documents = [is_document(key) for key in puts]
        assert documents == sorted(documents)
        outermost = [key for key in puts if is_document(key) and "/" not in key]
        assert puts[-len(outermost) :] == outermost
        depths = [key.count("/") for key in puts if is_document(key)]
        assert depths == sorted(depths, reverse=True)


def test_documents_are_deleted_before_all_chunks_and_the_outermost_first(tmp_path: Path) -> None:
    for zarr_format in (2, 3):
        store = _engine.recorded_store(_engine.memory_store())
        fill(store, zarr_format)
        _engine.recorded(store)
        zarrite.delete(store)
        calls = [(operation, key) for operation, key, *_ in _engine.recorded(store) if operation.startswith("delete")]
        assert calls[-1] == ("delete_prefix", "")  # the chunks of a store on this machine, all at once
        keys = [key for _, key in calls[:-1]]
        assert keys
        assert all(map(is_document, keys))
        assert [key.count("/") for key in keys] == sorted(key.count("/") for key in keys)


def is_document(key: str) -> bool:
    return key.rpartition("/")[2] in {"zarr.json", ".zarray", ".zgroup", ".zattrs"}


def test_a_dry_run_says_what_each_node_has_and_does_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    before = contents(tmp_path / "source")
    for rehearsed in (
        zarrite.copy(tmp_path / "source", tmp_path / "target", dry_run=True),
        zarrite.move(tmp_path / "source", tmp_path / "target", dry_run=True),
        zarrite.delete(tmp_path / "source", dry_run=True),
    ):
        assert rehearsed.is_dry
        assert {node.path: node.objects for node in rehearsed.nodes} == {
            "": 1,
            "a": 13,
            "deep": 1,
            "deep/empty": 1,
            "deep/er": 1,
            "deep/er/b": 4,
        }
        assert sum(node.bytes for node in rehearsed.nodes) == rehearsed.bytes == sum(map(len, before.values()))
        assert rehearsed.to_dict()["nodes"][1]["objects"] == 13
    assert [file.name for file in tmp_path.iterdir()] == ["source"]
    assert contents(tmp_path / "source") == before


def test_a_node_at_the_target_is_kept_unless_it_is_to_be_overwritten(place: Any, tmp_path: Path) -> None:
    fill(tmp_path / "source")
    zarrite.create_array(place, data=np.ones(100), chunks=(1,))
    with pytest.raises(ContainsArrayError, match="overwrite=True"):
        zarrite.copy(tmp_path / "source", place)
    with pytest.raises(ContainsArrayError):
        zarrite.move(tmp_path / "source", place)
    zarrite.copy(tmp_path / "source", place, overwrite=True)
    assert contents(place) == contents(tmp_path / "source")
    with pytest.raises(ContainsGroupError):
        zarrite.copy(tmp_path / "source", place, target_path="deep")


def test_what_is_no_node_is_never_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/to-her.txt").write_text("dear")
    for overwrite in (False, True):
        with pytest.raises(NodeExistsError, match=r"delete\(..., force=True\)"):
            zarrite.copy(tmp_path / "source", tmp_path / "letters", overwrite=overwrite)
    with pytest.raises(NodeNotFoundError):
        zarrite.delete(tmp_path / "letters")
    assert (tmp_path / "letters/to-her.txt").read_text() == "dear"
    assert zarrite.delete(tmp_path / "letters", force=True).objects == 1


@pytest.mark.parametrize("whole", ["/", "~"])
def test_a_whole_disk_is_never_deleted(whole: str) -> None:
    with pytest.raises(ValueError, match="ever deleted"):
        zarrite.delete(Path(whole).expanduser(), force=True, dry_run=True)


def test_a_node_does_not_go_into_or_above_itself(tmp_path: Path) -> None:
    group = fill(tmp_path / "source")
    (tmp_path / "link").symlink_to("source")
    for target in ("source", "source/deep", "source/in/it", "link", "link/in", ""):
        for go in (zarrite.copy, zarrite.move):
            with pytest.raises(ValueError, match="inside or above it"):
                go(tmp_path / "source", tmp_path / target, overwrite=True)
    with pytest.raises(ValueError, match="inside or above it"):
        zarrite.copy(group, group, source_path="deep", target_path="deep/er/x")
    zarrite.copy(group, group, source_path="deep", target_path="deeper")
    assert np.array_equal(group["deeper/er/b"][...], CELLS[0])  # type: ignore[index]


@pytest.mark.parametrize("path", ["../source", "a/../../source", "a/./b", "a\0b"])
def test_no_path_leads_out_of_a_store(tmp_path: Path, path: str) -> None:
    fill(tmp_path / "source")
    before = contents(tmp_path / "source")
    zarrite.create_group(tmp_path / "other")
    with pytest.raises(KeyRefusedError):
        zarrite.delete(tmp_path / "other", path)
    with pytest.raises(KeyRefusedError):
        zarrite.copy(tmp_path / "other", {}, source_path=path)
    with pytest.raises(KeyRefusedError):
        zarrite.copy(tmp_path / "source", tmp_path / "other", target_path=path)
    assert contents(tmp_path / "source") == before


def test_nothing_at_the_source_is_said(tmp_path: Path) -> None:
    for do in (zarrite.copy, zarrite.move):
        with pytest.raises(NodeNotFoundError, match="nothing-here"):
            do(tmp_path / "nothing-here", tmp_path / "target")
    with pytest.raises(NodeNotFoundError, match="nothing-here"):
        zarrite.delete(tmp_path / "nothing-here")


def test_an_array_holds_no_copies(tmp_path: Path) -> None:
    group = fill(tmp_path / "source")
    with pytest.raises(ContainsArrayError, match="only groups have members"):
        zarrite.copy(group, group, source_path="deep", target_path="a/deep")


def test_a_store_to_be_read_alone_is_neither_target_nor_moved(tmp_path: Path) -> None:
    group = fill(tmp_path / "source")
    reader = zarrite.open_group(tmp_path / "source", mode="r")
    with pytest.raises(ReadOnlyError):
        zarrite.move(reader, {})
    with pytest.raises(ReadOnlyError):
        zarrite.delete(reader)
    with pytest.raises(ReadOnlyError):
        zarrite.copy(group, reader, source_path="a", target_path="x")
    store: dict[str, bytes] = {}
    zarrite.copy(reader, store)
    assert contents(store) == contents(tmp_path / "source")


def test_a_move_leaves_nothing(place: Any, tmp_path: Path) -> None:
    fill(tmp_path / "source")
    before = contents(tmp_path / "source")
    done = zarrite.move(tmp_path / "source", place)
    assert contents(place) == before
    assert not (tmp_path / "source").exists()
    assert done.objects == len(before)
    zarrite.move(place, {}, source_path="deep")
    assert sorted(zarrite.open_group(place, mode="r")) == ["a"]


def test_a_move_between_folders_copies_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    file = (tmp_path / "source/zarr.json").stat()
    zarrite.move(tmp_path / "source", tmp_path / "a/new/name")
    assert (tmp_path / "a/new/name/zarr.json").stat().st_ino == file.st_ino


def test_consolidated_documents_above_learn_of_it(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    zarrite.consolidate_metadata(str(tmp_path / "source"))
    zarrite.copy(tmp_path / "source", tmp_path / "source", source_path="a", target_path="deep/a")
    zarrite.move(tmp_path / "source", tmp_path / "source", source_path="a", target_path="moved")
    zarrite.delete(tmp_path / "source", "deep/er")
    group = zarrite.open_consolidated(tmp_path / "source", mode="r")
    assert sorted(name for name, _ in group.members(max_depth=None)) == ["deep", "deep/a", "deep/empty", "moved"]


def test_progress_tells_of_every_step(tmp_path: Path) -> None:
    source = zarrite.create_array(tmp_path / "source", data=np.arange(3000) + 1, chunks=(1,))
    seen: list[Report] = []
    done = zarrite.copy(source, {}, progress=seen.append)
    assert [report.done_items for report in seen][:2] == [0, 1000]
    assert seen[-1] == Report("copy", "", done.bytes, done.bytes, done.objects, done.objects, finished=True)
    zarrite.delete(source, progress=seen.append)
    assert seen[-1].work == "delete"


# ------------------------------------------------------------------ on a network


def test_a_bucket_takes_and_gives_copies(bucket: dict[str, Any], tmp_path: Path) -> None:
    fill(tmp_path / "source")
    zarrite.copy(tmp_path / "source", "s3://bucket/one", target_options=bucket)
    zarrite.copy("s3://bucket/one", "s3://bucket/two", source_options=bucket, target_options=bucket)
    zarrite.move("s3://bucket/two", "s3://bucket/three", source_options=bucket, target_options=bucket)
    zarrite.copy("s3://bucket/three", tmp_path / "target", source_options=bucket)
    assert contents(tmp_path / "target") == contents(tmp_path / "source")
    with pytest.raises(NodeNotFoundError):
        zarrite.delete("s3://bucket/two", storage_options=bucket)
    assert zarrite.delete("s3://bucket/one", storage_options=bucket).objects == len(contents(tmp_path / "source"))


@pytest.mark.parametrize("from_bucket", [False, True])
def test_a_cache_keeps_nothing_of_what_was_there_before(
    bucket: dict[str, Any], tmp_path: Path, from_bucket: bool
) -> None:
    one = zarrite.create_array("s3://bucket/one", data=CELLS, chunks=(2, 3), storage_options=bucket)
    other = zarrite.create_array(tmp_path / "other", data=-CELLS, chunks=(2, 3))
    if from_bucket:
        zarrite.copy(other, "s3://bucket/other", target_options=bucket)
        other = zarrite.open_array("s3://bucket/other", mode="r", storage_options=bucket)
    store = zarrite.storage.CacheStore("s3://bucket/one", check="never", storage_options=bucket)
    assert np.array_equal(zarrite.open_array(store)[...], CELLS)
    zarrite.copy(other, store, overwrite=True)
    assert np.array_equal(zarrite.open_array(store)[...], -CELLS)
    assert np.array_equal(one[...], -CELLS)
    zarrite.delete(store)
    with pytest.raises(NodeNotFoundError):
        zarrite.open(store, mode="r")


def test_an_overlay_is_written_where_it_can_be_and_its_lower_store_never(tmp_path: Path) -> None:
    fill(tmp_path / "lower")
    before = contents(tmp_path / "lower")
    overlay = zarrite.storage.overlay(tmp_path / "lower", tmp_path / "upper")
    zarrite.copy(overlay, overlay, source_path="deep", target_path="again")
    zarrite.move(overlay, overlay, source_path="a", target_path="moved")
    zarrite.delete(overlay, "deep")
    assert sorted(zarrite.open_group(overlay, mode="r")) == ["again", "moved"]
    assert np.array_equal(zarrite.open_array(overlay, path="again/er/b", mode="r")[...], CELLS[0])
    assert np.array_equal(zarrite.open_array(overlay, path="moved", mode="r")[...], CELLS)
    assert contents(tmp_path / "lower") == before
    zarrite.move(overlay, tmp_path / "odd%|name", source_path="again")
    assert np.array_equal(zarrite.open_array(tmp_path / "odd%|name", path="er/b", mode="r")[...], CELLS[0])
    zarrite.move(tmp_path / "odd%|name", tmp_path / "even")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["even", "lower", "upper"]
    store: dict[str, bytes] = {}
    zarrite.copy(overlay, store)
    assert sorted(zarrite.open_group(store, mode="r")) == ["moved"]
    assert contents(tmp_path / "lower") == before


def test_pipelines_of_urls_are_sources(tmp_path: Path) -> None:
    import zipfile

    fill(tmp_path / "source")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for key, value in contents(tmp_path / "source").items():
            archive.writestr(key, value)
    done = zarrite.copy(f"file://{tmp_path}/a.zip|zip:", {}, source_path="deep")
    assert done.objects == 7
    target: dict[str, bytes] = {}
    zarrite.copy(tmp_path / "a.zip", target)
    assert contents(target) == contents(tmp_path / "source")
