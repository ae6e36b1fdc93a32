"""Stores that are not there, not writable, full, or not what they seem."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.errors import (
    ArrayNotFoundError,
    ChunkDecodeError,
    KeyRefusedError,
    NodeTypeValidationError,
    ReadOnlyError,
    StoreError,
    StoreNotFoundError,
)

posix = pytest.mark.skipif(os.name != "posix", reason="files of these kinds are POSIX's")


@pytest.fixture
def array(tmp_path: Path) -> zarrite.Array:
    array = zarrite.create_array(tmp_path / "a", shape=(100,), chunks=(10,), dtype="i4", compressors=None)
    array[...] = np.arange(100)
    return array


def objects(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_store_that_is_not_there_is_named(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ArrayNotFoundError, match="nothing") as caught:
        zarrite.open_array(tmp_path / "nothing", mode=mode)
    assert isinstance(caught.value, FileNotFoundError)
    assert not (tmp_path / "nothing").exists(), "looking makes nothing"


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFoundError, match=r"nothing\.zip") as caught:
        zarrite.open_array(tmp_path / "nothing.zip", mode="r")
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.zip"):
        zarrite.open_array(tmp_path / "a.zip", mode="r")


def test_a_group_is_not_opened_as_an_array(tmp_path: Path) -> None:
    zarrite.create_group(tmp_path / "g")
    with pytest.raises(NodeTypeValidationError, match="open_group"):
        zarrite.open_array(tmp_path / "g", mode="r")


READ_ONLY: dict[str, Callable[[zarrite.Array], object]] = {
    "cells": lambda array: array.write(0, 1),
    "points": lambda array: array.set_coordinate_selection([1, 2], 1),
    "resize": lambda array: array.resize((5,)),
    "append": lambda array: array.append([1, 2, 3]),
    "attributes": lambda array: array.attrs.update({"a": 1}),
}


@pytest.mark.parametrize("name", READ_ONLY)
def test_a_write_through_a_reading_handle_is_refused_and_changes_nothing(
    array: zarrite.Array, tmp_path: Path, name: str
) -> None:
    before = objects(tmp_path)
    reading = zarrite.open_array(tmp_path / "a", mode="r")
    with pytest.raises(ReadOnlyError, match="mode='r\\+'") as caught:
        READ_ONLY[name](reading)
    assert isinstance(caught.value, PermissionError)
    assert objects(tmp_path) == before


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(array: zarrite.Array, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "c"
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(PermissionError, match="c/0"):
            array[0] = 1
        assert array[0] == 0
    finally:
        folder.chmod(0o755)


FULL = """
import os, resource, signal, sys
import numpy as np, zarrite
root, sharded = sys.argv[1], sys.argv[2] == "shards"
array = zarrite.create_array(root, shape=(100_000,), chunks=(5_000 if sharded else 50_000,), dtype="f8",
                             shards=(50_000,) if sharded else None, compressors=None)
array[...] = 1
before = {path: open(os.path.join(root, path), "rb").read() for path in ("zarr.json", "c/0", "c/1")}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
for work in (
    lambda: array.write(..., 2),
    lambda: array.write(slice(0, 5), 2),
    lambda: array.write(slice(40_000, 60_000), 2),
    lambda: array.append(np.ones(60_000)),
    lambda: array.attrs.update({"long": "x" * 200_000}),
):
    try:
        work()
    except zarrite.errors.StoreError as error:
        assert isinstance(error, OSError) and error.errno == 27, error
        assert "c/" in str(error) or "zarr.json" in str(error), error
    else:
        raise SystemExit("it was not refused")
    left = {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}
    assert left == set(before), left
    for path, content in before.items():
        assert open(os.path.join(root, path), "rb").read() == content, path
    assert array.shape == (100_000,) and "long" not in array.attrs
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
array[...] = 3
assert (array[...] == 3).all()
print("intact")
"""


@posix
@pytest.mark.parametrize("kind", ["chunks", "shards"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a"), kind],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "intact\n", done.stdout + done.stderr


@posix
def test_a_full_file_system_says_so_by_its_number(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    mounted = tmp_path / "tiny"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        array = zarrite.create_array(mounted / "a", shape=(1_000_000,), chunks=(50_000,), dtype="f8", compressors=None)
        with pytest.raises(StoreError, match="space") as caught:
            array[...] = 2
        assert caught.value.errno == errno.ENOSPC
        sizes = {path.stat().st_size for path in (mounted / "a" / "c").iterdir()}
        assert sizes <= {400_000}, "no half files are left"
        array.resize((50_000,))
        array[...] = 5
        assert (array[...] == 5).all()
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


LEAVING = ("../x", "a/../../x", "..", ".", "a/./b", "a\0b", "a/../b")


@pytest.mark.parametrize("key", LEAVING)
@pytest.mark.parametrize("store", ["local", "memory", "mapping"])
def test_keys_that_would_leave_the_root_are_refused(tmp_path: Path, store: str, key: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "x").write_bytes(b"precious")
    made = {
        "local": lambda: _engine.local_store(str(root)),
        "memory": _engine.memory_store,
        "mapping": lambda: zarrite.storage.MemoryStore({}),
    }[store]()
    for work in (
        lambda: made.get(key).result(),
        lambda: made.put(key, b"harm").result(),
        lambda: made.put_if_absent(key, b"harm").result(),
        lambda: made.delete([key]).result(),
        lambda: made.delete_prefix(key).result(),
        lambda: made.list(key).result(),
        lambda: made.list_dir(key).result(),
        lambda: made.move_prefix(key, "elsewhere").result(),
        lambda: made.move_prefix("elsewhere", key).result(),
        lambda: made.copy_prefix(key, made, "elsewhere").result(),
        lambda: made.prefixed(key).get("x").result(),
        lambda: zarrite.open_array(made, path=key, mode="r"),
        lambda: zarrite.create_array(made, name=key, shape=3, dtype="i4"),
        lambda: zarrite.create_group(made, path=key),
    ):
        with pytest.raises(KeyRefusedError, match="refused"):
            work()
    assert (tmp_path / "x").read_bytes() == b"precious"
    assert list(root.iterdir()) == []


def test_names_of_members_cannot_leave_their_group(tmp_path: Path) -> None:
    group = zarrite.create_group(tmp_path / "g")
    zarrite.create_array(tmp_path / "other", shape=3, dtype="i4")
    for work in (
        lambda: group["../other"],
        lambda: group.create_array("../new", shape=3, dtype="i4"),
        lambda: group.create_group("../new"),
        lambda: group.__delitem__("../other"),
        lambda: "../other" in group,
    ):
        with pytest.raises(KeyRefusedError):
            work()
    assert (tmp_path / "other" / "zarr.json").exists()
    assert not (tmp_path / "new").exists()


@posix
def test_a_symbolic_link_is_followed_only_where_the_store_says_so(array: zarrite.Array, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.full(10, 77, "i4").tobytes())
    chunk = tmp_path / "a" / "c" / "3"
    chunk.unlink()
    chunk.symlink_to(secret)
    assert (array[30:40] == 77).all()
    careful = zarrite.open_array(_engine.local_store(str(tmp_path / "a"), follow_symlinks=False), mode="r+")
    with pytest.raises(KeyRefusedError, match="symbolic link"):
        careful[30:40]
    with pytest.raises(KeyRefusedError, match="symbolic link"):
        careful[30] = 1
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(KeyRefusedError, match="symbolic link"):
        zarrite.open_array(_engine.local_store(str(tmp_path), follow_symlinks=False), path="b", mode="r")


@posix
def test_a_write_replaces_a_link_and_never_what_it_points_at(array: zarrite.Array, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(np.full(10, 77, "i4").tobytes())
    chunk = tmp_path / "a" / "c" / "3"
    chunk.unlink()
    chunk.symlink_to(precious)
    array[30:40] = 5
    assert (array[30:40] == 5).all()
    assert precious.read_bytes() == np.full(10, 77, "i4").tobytes()


@posix
def test_a_circle_of_links_is_an_error_and_no_endless_walk(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=r"zarr\.json"):
        zarrite.open_array(tmp_path / "loop", mode="r")
    group = zarrite.create_group(tmp_path / "g")
    (tmp_path / "g" / "up").symlink_to(tmp_path / "g")
    group.create_array("x", shape=3, dtype="i4")
    assert "x" in set(group.keys())


@posix
@pytest.mark.parametrize("key", ["c/3", "zarr.json"])
def test_a_pipe_where_an_object_should_be_does_not_hang(array: zarrite.Array, tmp_path: Path, key: str) -> None:
    path = tmp_path / "a" / key
    path.unlink()
    os.mkfifo(path)
    script = "import sys, zarrite; print(zarrite.open_array(sys.argv[1], mode='r')[30:40])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a")], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert "zarrite.errors." in done.stderr


def test_a_folder_in_the_place_of_a_chunk_is_no_chunk(array: zarrite.Array, tmp_path: Path) -> None:
    path = tmp_path / "a" / "c" / "3"
    path.unlink()
    path.mkdir()
    assert (array[30:40] == 0).all()
    array[30:40] = 7
    assert (array[30:40] == 7).all()
    other = tmp_path / "a" / "c" / "4"
    other.unlink()
    other.mkdir()
    (other / "file").write_bytes(b"somebody's")
    with pytest.raises(StoreError, match="c/4"):
        array[40:50] = 7
    assert (other / "file").read_bytes() == b"somebody's"


def test_a_file_that_a_killed_writer_left_empty_is_damaged_and_not_fill_values(
    array: zarrite.Array, tmp_path: Path
) -> None:
    (tmp_path / "a" / "c" / "3").write_bytes(b"")
    with pytest.raises(ChunkDecodeError, match="c/3"):
        array[30:40]
    array[30:40] = 1
    assert (array[30:40] == 1).all()


def test_files_of_others_in_the_folders_do_not_matter(array: zarrite.Array, tmp_path: Path) -> None:
    for name in (".DS_Store", "c/.DS_Store", "c/3.partial", "c/junk", "c/03"):
        (tmp_path / "a" / name).write_bytes(b"junk")
    np.testing.assert_array_equal(zarrite.open_array(tmp_path / "a", mode="r")[...], np.arange(100))
    assert array.nchunks_initialized == 10
    group = zarrite.open_group(tmp_path, mode="a")
    (tmp_path / ".DS_Store").write_bytes(b"junk")
    (tmp_path / "folder").mkdir()
    assert list(dict(group.arrays())) == ["a"]


def test_an_archive_with_names_that_leave_it_harms_nobody(tmp_path: Path) -> None:
    source = zarrite.create_array(None, shape=(4,), chunks=(2,), dtype="i4")
    source[...] = 5
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for key in source.store.list("").result():
            archive.writestr(key, source.store.get(key).result())
        archive.writestr("../evil", b"x")
        archive.writestr("/etc/evil", b"x")
    try:
        cells = zarrite.open_array(tmp_path / "a.zip", mode="r")[...]
    except (KeyRefusedError, StoreError):
        return
    assert (cells == 5).all()
    assert not (tmp_path.parent / "evil").exists()


def test_an_archive_cannot_be_written(tmp_path: Path) -> None:
    source = zarrite.create_array(None, shape=(4,), chunks=(2,), dtype="i4")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("zarr.json", source.store.get("zarr.json").result())
    array = zarrite.open_array(tmp_path / "a.zip", mode="r")
    with pytest.raises(ReadOnlyError):
        array[...] = 1
