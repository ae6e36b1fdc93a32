"""A conversion as a whole: nothing opens before it is complete, whatever stops it, and memory stays in bounds."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.convert import ConversionError
from zarrite.progress import Report


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four arrays of several pieces each."""
    cells = np.random.default_rng(1).normal(size=(400, 500))
    np.savez(
        tmp_path / "source.npz", a=cells, b=cells.astype("f4"), **{"deep/c": (10 * cells).astype("i2"), "d": cells[0]}
    )
    return tmp_path / "source.npz"


SMALL = {"chunks": (40, 50), "shards": (80, 100), "memory": "400kB"}


class Fragile:
    """A store that fails, or counts, when things are put into it."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.kept: dict[str, bytes] = {}
        self.order: list[str] = []
        self.fail_at = fail_at

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        value = self.kept.get(key)
        return None if value is None else value[start:stop]

    def put(self, key: str, value: bytes) -> None:
        if self.fail_at is not None and len(self.order) >= self.fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.order.append(key)
        self.kept[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in list(self.kept) if key.startswith(prefix))


def is_document(key: str) -> bool:
    return key.endswith("zarr.json")


def test_documents_are_put_when_all_cells_are_in_place_and_the_root_last(source: Path) -> None:
    store = Fragile()
    zarrite.convert(source, store, **SMALL)
    documents = [position for position, key in enumerate(store.order) if is_document(key)]
    chunks = [position for position, key in enumerate(store.order) if not is_document(key) and "unfinished" not in key]
    assert min(documents) > max(chunks)
    assert store.order[-1] == "zarr.json"
    assert len(store.order) == len(set(store.order)), "no object is written twice"
    assert not [key for key in store.kept if "unfinished" in key]


@pytest.mark.parametrize("fail_at", [0, 1, 2, 10, 40, 75])
def test_a_full_disk_leaves_nothing_that_opens(source: Path, fail_at: int) -> None:
    store = Fragile(fail_at)
    with pytest.raises(OSError, match="No space left"):
        zarrite.convert(source, store, **SMALL)
    assert not [key for key in store.kept if is_document(key)]
    with pytest.raises(FileNotFoundError):
        zarrite.open(store, mode="r")
    store.fail_at = None
    zarrite.convert(source, store, verify=True, overwrite=True, **SMALL)


def test_ctrl_c_leaves_nothing_and_the_next_run_succeeds(source: Path, tmp_path: Path) -> None:
    def interrupt(report: Report) -> None:
        if report.done_bytes > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zarrite.convert(source, tmp_path / "t.zarr", progress=interrupt, **SMALL)
    assert not list((tmp_path / "t.zarr").rglob("*.json"))
    zarrite.convert(source, tmp_path / "t.zarr", verify=True, **SMALL)


KILLED = """
import os, sys, zarrite
def die(report):
    if report.done_bytes > 1_000_000:
        os._exit(9)
zarrite.convert(sys.argv[1], sys.argv[2], progress=die, chunks=(40, 50), shards=(80, 100), memory="400kB")
"""


def test_a_killed_run_is_known_by_the_next_and_replaced_when_asked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.zarr"
    done = subprocess.run([sys.executable, "-c", KILLED, str(source), str(target)], check=False)
    assert done.returncode == 9
    assert any(path.is_file() for path in target.rglob("c/*/*"))
    for place in (target, target / "a", target / "deep"):
        with pytest.raises(FileNotFoundError):
            zarrite.open(place, mode="r")
    with pytest.raises(ConversionError, match="stopped before it was complete"):
        zarrite.convert(source, target)
    zarrite.convert(source, target, overwrite=True, verify=True)
    assert not list(target.glob(".zarrite*"))


def test_what_is_no_zarr_is_never_deleted(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "home"
    target.mkdir()
    (target / "letter.txt").write_text("dear")
    with pytest.raises(ConversionError, match="no Zarr data"):
        zarrite.convert(source, target, overwrite=True)
    assert (target / "letter.txt").read_text() == "dear"


def test_a_finished_target_is_replaced_only_when_asked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.zarr"
    zarrite.create_array(target, name="old", shape=(3,), dtype="i4")[:] = 1
    with pytest.raises(ConversionError, match="holds a Zarr group"):
        zarrite.convert(source, target)
    assert zarrite.open_array(target, path="old", mode="r")[0] == 1
    zarrite.convert(source, target, overwrite=True)
    assert "old" not in zarrite.open_group(target, mode="r")


def test_source_and_target_must_not_overlap(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a.zarr", name="v", shape=(3,), dtype="i4")
    for target in (tmp_path / "a.zarr", tmp_path / "a.zarr" / "v", tmp_path):
        with pytest.raises(ConversionError, match="overlap"):
            zarrite.convert(tmp_path / "a.zarr", target, overwrite=True)


def test_verifying_finds_a_cell_that_changed_on_the_way(source: Path, tmp_path: Path) -> None:
    class Liar(Fragile):
        def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
            value = super().get(key, start, stop)
            if value is not None and key == "a/c/1/1" and start is None and stop is None:
                return self.kept["a/c/1/0"]
            return value

    store = Liar()
    with pytest.raises(ConversionError, match="'a' did not come back as it was read"):
        zarrite.convert(source, store, chunks=(80, 100), shards="none", codecs="none", verify=True)
    assert not [key for key in store.kept if is_document(key)]


def test_a_dry_run_writes_nothing_and_tells_what_it_would(source: Path, tmp_path: Path) -> None:
    done = zarrite.convert(source, tmp_path / "t.zarr", dry_run=True, **SMALL)
    assert not (tmp_path / "t.zarr").exists()
    facts = json.loads(json.dumps(done.to_dict()))
    assert facts["bytes"] == 400 * 500 * (8 + 4 + 2) + 500 * 8
    assert facts["dry_run"]
    assert {array["path"]: array["objects"] for array in facts["arrays"]}["a"] == 25


def test_include_and_exclude_choose_by_path(source: Path, tmp_path: Path) -> None:
    done = zarrite.convert(source, tmp_path / "t.zarr", include=["a", "deep"], exclude="d*p/x")
    assert [plan.array.path for plan in done.plan.arrays] == ["a", "deep/c"]
    assert sorted(name for name, _ in zarrite.open_group(tmp_path / "t.zarr", mode="r").members()) == ["a", "deep"]
    with pytest.raises(ConversionError, match="no array of the source is left"):
        zarrite.convert(source, tmp_path / "u.zarr", include="nothing*")


def test_progress_ends_at_all_bytes(source: Path, tmp_path: Path) -> None:
    seen: list[Report] = []
    zarrite.convert(source, tmp_path / "t.zarr", progress=seen.append, **SMALL)
    assert seen[-1].finished
    assert seen[-1].done_bytes == seen[-1].total_bytes == 400 * 500 * (8 + 4 + 2) + 500 * 8
    assert [report.done_bytes for report in seen] == sorted(report.done_bytes for report in seen)


def test_two_conversions_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    one, other = Fragile(), Fragile()
    zarrite.convert(source, one, **SMALL)
    zarrite.convert(source, other, **(SMALL | {"memory": "2MB"}))
    assert one.kept == other.kept


@pytest.mark.parametrize("codecs", ["auto", "none", "zstd:5", "gzip:1,crc32c", "blosc:lz4:3:bitshuffle", "crc32c"])
def test_codecs_are_what_was_asked_for(source: Path, tmp_path: Path, codecs: str) -> None:
    zarrite.convert(source, tmp_path / "t.zarr", codecs=codecs, include="d", verify=True)
    array = zarrite.open_array(tmp_path / "t.zarr", path="d", mode="r")
    names = [codec.to_dict()["name"] for codec in array.compressors]
    wanted = {"auto": ["blosc"], "none": []}.get(codecs, [part.split(":")[0] for part in codecs.split(",")])
    assert names == wanted


MEASURED = """
import resource, sys, zarrite, zarrite.convert
zarrite.convert(sys.argv[2], sys.argv[3] + "small", include="small")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
zarrite.convert(sys.argv[2], sys.argv[3], memory=sys.argv[1], exclude="small")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("chunks", [(1, 1000, 1000), (50, 50, 1000), None])
def test_memory_stays_below_the_limit(tmp_path: Path, chunks: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["small"] = np.zeros(3)
        made = file.create_dataset("v", shape=(100, 1000, 1000), dtype="f4", chunks=chunks)
        for at in range(100):
            made[at] = np.random.default_rng(at).random((1000, 1000), "f4")
    arguments = ["128MiB", str(tmp_path / "source.h5"), str(tmp_path / "t.zarr")]
    done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, check=True)
    # The kernel's cache of what was written is not ours; what the allocator keeps back is, hence a little more.
    assert int(done.stdout) * 1024 < 150 << 20


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "a.nc").write_bytes(b"CDF\x01" + bytes(100))
    script = """
import sys
sys.modules["h5py"] = sys.modules["scipy.io"] = sys.modules["scipy"] = None
import zarrite
for name in sys.argv[1:]:
    try:
        zarrite.convert(name, name + ".zarr")
    except ImportError as error:
        print(error)
"""
    arguments = [str(tmp_path / "a.h5"), str(tmp_path / "a.nc")]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert [line.split("pip install")[1] for line in done.stdout.splitlines()] == [" 'zarrite[convert]'"] * 2


def test_the_module_is_called_as_the_function(source: Path, tmp_path: Path) -> None:
    import inspect

    assert "verify" in inspect.signature(zarrite.convert).parameters
    assert zarrite.convert.convert(source, tmp_path / "t.zarr").kind == "NumPy"
    assert (tmp_path / "t.zarr").is_dir()
