"""Archives that are written and changed: what is in them afterwards, by this library and by others."""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite.errors import HandleError, NodeExistsError, ReadOnlyError, StoreError, UrlError
from zarrite.storage import ZipStore

CELLS = np.random.default_rng(3).integers(0, 1000, (60, 60))


def entries(path: Path) -> list[str]:
    """The names in an archive, each as often as it is there; every checksum is right and nothing is compressed."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} <= {zipfile.ZIP_STORED}
        return archive.namelist()


def made(path: Path) -> Path:
    """An archive of a group with an array."""
    with zarrite.open_group(path, mode="w", attributes={"v": 1}) as group:
        group.create_array("a", data=CELLS, chunks=10)
    return path


def test_what_is_written_appears_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zarrite.open_group(path, mode="w") as group:
        array = group.create_array("a", data=CELLS, chunks=10)
        assert_array_equal(array[...], CELLS)
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == [path]
    names = entries(path)
    assert len(names) == len(set(names)) == 38
    assert_array_equal(zarrite.open_array(path, path="a", mode="r")[...], CELLS)


def test_no_name_is_twice_in_an_archive_however_often_it_was_written(tmp_path: Path) -> None:
    with zarrite.open_group(tmp_path / "a.zip", mode="w") as group:
        array = group.create_array("a", shape=(8, 40_000), chunks=(8, 40_000), dtype="f8", compressors=None)
        for row in range(8):
            array[row] = row + 1
            group.attrs["row"] = row
    names = entries(tmp_path / "a.zip")
    assert sorted(names) == ["a/c/0/0", "a/zarr.json", "zarr.json"]
    assert (tmp_path / "a.zip").stat().st_size < 1.05 * 8 * 40_000 * 8
    group = zarrite.open_group(tmp_path / "a.zip", mode="r")
    assert group["a"][:, 0].tolist() == list(range(1, 9))
    assert dict(group.attrs) == {"row": 7}


def test_an_archive_is_changed_in_place(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    path.chmod(0o640)
    old = zarrite.open_group(path, mode="r")
    with zarrite.open_group(path, mode="r+") as group:
        group["a"][:15, 3] = -1
        group.attrs["v"] = 2
        group.create_array("b", data=[1, 2])
        group["a"].resize((50, 60))
    expected = CELLS.copy()[:50]
    expected[:15, 3] = -1
    new = zarrite.open_group(path, mode="r")
    assert_array_equal(new["a"][...], expected)
    assert new["b"][...].tolist() == [1, 2]
    assert dict(new.attrs) == {"v": 2}
    assert_array_equal(old["a"][...], CELLS, err_msg="who has the old archive open goes on reading it")
    names = entries(path)
    assert len(names) == len(set(names))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    with zarrite.open_group(path, mode="a") as group:
        del group["a"]
        group.create_array("b", data=[1])
        assert list(group) == ["b"]
    assert sorted(entries(path)) == ["b/c/0", "b/zarr.json", "zarr.json"]


def test_a_failure_leaves_the_archive_as_it_was(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    before = path.read_bytes()

    def change() -> None:
        with zarrite.open_group(path, mode="r+") as group:
            group["a"][...] = 0
            raise ZeroDivisionError

    def replace() -> None:
        with ZipStore(path, mode="w") as store:
            zarrite.save(store, [1])
            raise ZeroDivisionError

    for work in (change, replace):
        with pytest.raises(ZeroDivisionError):
            work()
        assert path.read_bytes() == before
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_changes_give_the_same_bytes(tmp_path: Path) -> None:
    assert made(tmp_path / "a.zip").read_bytes() == made(tmp_path / "b.zip").read_bytes()


def test_closing_without_a_change_writes_nothing(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    before = path.stat()
    with zarrite.open_group(path, mode="a") as group:
        assert_array_equal(group["a"][...], CELLS)
    assert path.stat().st_ino == before.st_ino
    with ZipStore(tmp_path / "b.zip", mode="a"):
        pass
    assert not (tmp_path / "b.zip").exists()


def test_all_of_this_process_see_what_is_not_written_yet(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    group = zarrite.open_group(path, mode="r+")
    group["a"][0, 0] = -7
    assert zarrite.open_array(path, path="a", mode="r")[0, 0] == -7
    assert zarrite.open_array(path, path="a", mode="r+")[0, 0] == -7
    with pytest.raises(HandleError, match="close it before"):
        pickle.dumps(group)
    group.close()
    with pytest.raises(StoreError, match="closed"):
        group["a"]
    read = pickle.loads(pickle.dumps(zarrite.open_group(path)))
    assert read["a"][0, 0] == -7
    with pytest.raises(ReadOnlyError):
        read["a"][0, 0] = 1


def test_what_nobody_closed_is_written_when_the_process_ends(tmp_path: Path) -> None:
    code = "import os, zarrite; a = zarrite.create_array('a.zip', data=[1, 2]); a[1] = 7; print(len(os.listdir()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
    assert zarrite.load(tmp_path / "a.zip").tolist() == [1, 7]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_leaves_the_writing_to_its_parent(tmp_path: Path) -> None:
    code = """
import os, zarrite
group = zarrite.open_group("a.zip", mode="w")
group.create_array("a", data=[1, 2])
child = os.fork()
if child == 0:
    try:
        group.create_array("b", data=[1])
    except zarrite.errors.StoreError as error:
        os._exit(7 if "process" in str(error) else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
group.close()
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(zarrite.open_group(tmp_path / "a.zip", mode="r")) == ["a"]


def test_two_processes_that_change_different_nodes_keep_both(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    group = zarrite.open_group(path, mode="r+")
    group.create_array("here", data=[1])
    code = "import zarrite\nwith zarrite.open_group('a.zip', mode='r+') as g: g.create_array('there', data=[2])"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    group.close()
    assert sorted(zarrite.open_group(path, mode="r")) == ["a", "here", "there"]


def test_threads_that_share_a_chunk_lose_nothing(tmp_path: Path) -> None:
    with zarrite.create_array(tmp_path / "a.zip", shape=(16, 20_000), chunks=(16, 20_000), dtype="i4") as array:

        def write(row: int) -> None:
            for value in range(1, 11):
                array[row] = value

        threads = [threading.Thread(target=write, args=(row,)) for row in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (zarrite.open_array(tmp_path / "a.zip", mode="r")[...] == 10).all()


def test_shards_are_changed_in_part(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zarrite.create_array(path, data=CELLS, chunks=(10, 10), shards=(30, 30)) as array:
        array[5:25, 5:25] += 1
    expected = CELLS.copy()
    expected[5:25, 5:25] += 1
    with zarrite.open_array(path, mode="r+") as array:
        assert_array_equal(array[...], expected)
        array[0] = 0
    expected[0] = 0
    assert_array_equal(zarrite.open_array(path, mode="r")[...], expected)


def test_one_call_that_saves_closes_what_it_opened(tmp_path: Path) -> None:
    zarrite.save(tmp_path / "a.zip", a=[1], b=[2])
    assert list(tmp_path.iterdir()) == [tmp_path / "a.zip"]
    zarrite.save(tmp_path / "a.zip", [1, 2])
    assert zarrite.load(tmp_path / "a.zip").tolist() == [1, 2]
    zarrite.convert(tmp_path / "a.zip", tmp_path / "b.zip", verify=True)
    assert zarrite.load(tmp_path / "b.zip").tolist() == [1, 2]


def test_copies_moves_and_deletions_close_what_they_opened(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a.zarr", name="x", data=CELLS, chunks=20)
    path = tmp_path / "a.zip"
    zarrite.copy(tmp_path / "a.zarr", path, source_path="x", target_path="y")
    assert_array_equal(zarrite.load(path)["y"], CELLS)
    zarrite.move(path, path, source_path="y", target_path="deep/z")
    assert len(entries(path)) == 9 + 1 + 2
    zarrite.move(path, tmp_path / "b.zarr", source_path="deep/z")
    assert_array_equal(zarrite.load(tmp_path / "b.zarr"), CELLS)
    assert sorted(entries(path)) == ["deep/zarr.json", "zarr.json"]
    zarrite.delete(path, "deep")
    assert entries(path) == ["zarr.json"]


def test_the_words_of_zarr_pythons_zip_store(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="x", compression=zipfile.ZIP_STORED, allowZip64=True) as store:
        zarrite.save(store, a=[1])
    with pytest.raises(FileExistsError):
        ZipStore(path, mode="x")
    with ZipStore(path, mode="a") as store:
        zarrite.open_group(store, mode="a").create_array("b", data=[2])
    with ZipStore(path, mode="r") as store:
        assert isinstance(store, ZipStore)
        assert store.read_only
        assert sorted(zarrite.open_group(store, mode="r")) == ["a", "b"]
    with ZipStore(path, mode="w") as store:
        zarrite.save(store, c=[3])
    assert sorted(zarrite.open_group(path, mode="r")) == ["c"]
    with pytest.raises(UrlError, match="compressed by their codecs"):
        ZipStore(path, mode="w", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="mode must be"):
        ZipStore(path, mode="q")


def test_what_others_packed_is_kept_when_something_else_changes(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.zip", made(tmp_path / "plain.zip")
    with zipfile.ZipFile(plain) as objects, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in objects.namelist():
            archive.writestr(name, objects.read(name))
        with archive.open("long", "w", force_zip64=True) as entry:
            entry.write(b"x" * 100_000)
        archive.writestr("b\u00e9", b"not ASCII")
        archive.comment = b"a comment"
    with zarrite.open_group(path, mode="r+") as group:
        group.attrs["v"] = 9
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment == b"a comment"
        assert archive.read("long") == b"x" * 100_000
        assert archive.read("b\u00e9") == b"not ASCII"
        assert archive.getinfo("long").compress_type == zipfile.ZIP_DEFLATED
    assert_array_equal(zarrite.open_array(path, path="a", mode="r")[...], CELLS)


def test_of_two_entries_with_one_name_the_last_one_counts_and_is_kept(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip")
    newer = json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"v": "newer"}})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("zarr.json", newer)
    assert dict(zarrite.open_group(path, mode="r").attrs) == {"v": "newer"}
    with zarrite.open_group(path, mode="r+") as group:
        group["a"][0, 0] = 1
    names = entries(path)
    assert len(names) == len(set(names))
    assert dict(zarrite.open_group(path, mode="r").attrs) == {"v": "newer"}


def test_an_archive_of_a_folder_is_changed_in_the_folder(tmp_path: Path) -> None:
    plain, path = made(tmp_path / "plain.zip"), tmp_path / "a.zip"
    with zipfile.ZipFile(plain) as objects, zipfile.ZipFile(path, "w") as archive:
        for name in objects.namelist():
            archive.writestr(f"top.zarr/{name}", objects.read(name))
    for inside in (None, "top.zarr"):
        assert_array_equal(zarrite.open_group(path, mode="r", path=inside)["a"][...], CELLS)
    with zarrite.open_group(path, mode="r+") as group:
        group["a"][0] = 0
    assert all(name.startswith("top.zarr/") for name in entries(path))
    assert (zarrite.open_group(path, mode="r")["a"][0] == 0).all()


def test_an_object_beyond_four_gigabytes_has_long_numbers(tmp_path: Path) -> None:
    if not os.environ.get("ZARRITE_LARGE"):
        pytest.skip("set ZARRITE_LARGE to write 5 GB")
    shape = (5, 1 << 30)
    with zarrite.create_array(tmp_path / "a.zip", shape=shape, chunks=shape, dtype="u1", compressors=None) as array:
        array[4] = 1
    entries(tmp_path / "a.zip")
    assert zarrite.open_array(tmp_path / "a.zip", mode="r")[3:, -1].tolist() == [0, 1]


def test_more_names_than_short_numbers_count(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zip", mode="w") as store:
        store.put_many([(f"k/{number}", b"") for number in range(70_000)]).result()
    assert len(entries(tmp_path / "a.zip")) == 70_000
    assert len(ZipStore(tmp_path / "a.zip").list("").result()) == 70_000


def test_zarr_python_reads_ours_and_we_read_theirs(tmp_path: Path) -> None:
    zarr: Any = pytest.importorskip("zarr")
    if not hasattr(zarr.storage, "ZipStore") or not zarr.__version__.startswith("3"):
        pytest.skip("needs zarr-python 3")
    path = made(tmp_path / "ours.zip")
    theirs = zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")
    assert_array_equal(theirs["a"][...], CELLS)
    with zarr.storage.ZipStore(tmp_path / "theirs.zip", mode="w") as store:
        group = zarr.create_group(store)
        array = group.create_array("a", shape=CELLS.shape, chunks=(10, 10), dtype=CELLS.dtype)
        array[...] = CELLS
    assert_array_equal(zarrite.open_array(tmp_path / "theirs.zip", path="a", mode="r")[...], CELLS)
    with zarrite.open_group(tmp_path / "theirs.zip", mode="r+") as ours:
        ours["a"][0] = 0
    theirs = zarr.open_group(zarr.storage.ZipStore(tmp_path / "theirs.zip", mode="r"), mode="r")
    assert (theirs["a"][0] == 0).all()


def test_a_single_file_of_ome_has_its_documents_first(tmp_path: Path) -> None:
    path = tmp_path / "image.ozx"
    with zarrite.open_group(path, mode="w") as group:
        group.create_array("deep/down/a", data=CELLS, chunks=30)
        group.create_group("b")
        group.attrs["ome"] = {"version": "0.5"}
    names = entries(path)
    documents = ["zarr.json", "b/zarr.json", "deep/zarr.json", "deep/down/zarr.json", "deep/down/a/zarr.json"]
    assert names[: len(documents)] == documents
    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.comment)
        offsets = [entry.header_offset for entry in archive.infolist()]
    assert said == {"ome": {"version": "0.5", "zipFile": {"centralDirectory": {"jsonFirst": True}}}}
    assert offsets == sorted(offsets)
    with zarrite.open_group(path, mode="r+") as group:
        group.create_group("c")
    assert entries(path)[:3] == ["zarr.json", "b/zarr.json", "c/zarr.json"]


@pytest.mark.parametrize("ending", ["zip", "ozx"])
def test_a_store_is_packed_and_unpacked_as_it_is(tmp_path: Path, ending: str) -> None:
    zarrite.create_group(tmp_path / "a.zarr").create_array("x/y", data=CELLS, chunks=(7, 7), shards=(21, 21))
    (tmp_path / "a.zarr/x/notes.txt").write_text("what else lies there")
    path = tmp_path / f"a.{ending}"
    seen: list[Any] = []
    done = zarrite.pack(tmp_path / "a.zarr", path, progress=seen.append)
    assert done.objects == len(entries(path)) == seen[-1].done_items
    assert seen[-1].finished
    with pytest.raises(NodeExistsError, match="overwrite=True"):
        zarrite.pack(tmp_path / "a.zarr", path)
    zarrite.pack(tmp_path / "a.zarr", path, overwrite=True)
    zarrite.unpack(path, tmp_path / "b.zarr")
    for file in (tmp_path / "a.zarr").rglob("*"):
        if file.is_file():
            assert (tmp_path / "b.zarr" / file.relative_to(tmp_path / "a.zarr")).read_bytes() == file.read_bytes()
    with pytest.raises(NodeExistsError, match="overwrite=True"):
        zarrite.unpack(path, tmp_path / "b.zarr")
    zarrite.unpack(path, tmp_path / "c.zarr", path="x")
    assert_array_equal(zarrite.open_array(tmp_path / "c.zarr", path="y", mode="r")[...], CELLS)


def test_packing_reads_from_and_unpacks_to_a_network(tmp_path: Path, s3: Any) -> None:
    options = {"endpoint_url": s3.url, "key": "a", "secret": "b"}
    place = f"s3://{s3.bucket}/a.zarr"
    zarrite.create_array(place, data=CELLS, chunks=10, storage_options=options)
    zarrite.pack(place, tmp_path / "a.zip", storage_options=options)
    assert_array_equal(zarrite.load(tmp_path / "a.zip"), CELLS)
    zarrite.unpack(tmp_path / "a.zip", f"s3://{s3.bucket}/b.zarr", storage_options=options)
    assert_array_equal(zarrite.open_array(f"s3://{s3.bucket}/b.zarr", storage_options=options)[...], CELLS)


def test_the_commands_pack_and_unpack(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "zarrite.cli", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    zarrite.create_array(tmp_path / "a.zarr", data=CELLS, chunks=30)
    done = run("pack", "a.zarr", "a.zip", "--json")
    assert json.loads(done.stdout)["objects"] == 5, done.stderr
    assert done.stderr == "", "what is over soon shows no progress"
    assert "5 objects" in run("unpack", "a.zip", "b.zarr").stdout
    again = run("unpack", "a.zip", "b.zarr")
    assert again.returncode == 1
    assert "something is at" in again.stderr
