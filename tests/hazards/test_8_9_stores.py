"""Stores that lie, repeat themselves or break off (format reference 8.9)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, cells_of, v3
from zarrite.errors import ChunkDecodeError, StoreError


class Refusing:
    """A store that answers some keys with an error, as one does whose permission has ended."""

    def __init__(self, objects: dict[str, bytes], error: type[Exception]) -> None:
        self.objects = objects
        self.error = error

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        if key.startswith("c/"):
            raise self.error("no")
        raw = self.objects.get(key)
        return None if raw is None else raw[slice(start, stop)]

    def put(self, key: str, value: bytes) -> None:
        self.objects[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


@pytest.mark.parametrize("error", [PermissionError, TimeoutError, ConnectionError, RuntimeError])
def test_8_9_an_object_that_is_refused_is_an_error_and_no_fill_value(error: type[Exception]) -> None:
    array = zarrite.open_array(Refusing(v3(), error), mode="r")
    with pytest.raises((StoreError, error)):
        array[...]


def zipped(path: Path, entries: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, raw in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = how
            archive.writestr(info, raw)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_8_9_of_two_entries_of_one_name_the_last_counts_and_both_are_told(tmp_path: Path) -> None:
    store = v3()
    entries = [("zarr.json", v3(fill_value=1)["zarr.json"]), *store.items(), ("c/0/0", (CELLS + 1).tobytes())]
    place = zipped(tmp_path / "a.zip", entries)
    np.testing.assert_array_equal(cells_of(place), CELLS + 1)  # type: ignore[arg-type]
    assert zarrite.open_array(place, mode="r").fill_value == 0
    assert [one.rule for one in zarrite.check(place).findings] == ["archive-double"]


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_8_9_entries_of_an_archive_are_read_stored_and_deflated(tmp_path: Path, how: int) -> None:
    place = zipped(tmp_path / "a.zip", list(v3().items()), how)
    np.testing.assert_array_equal(cells_of(place), CELLS)  # type: ignore[arg-type]


def test_8_9_a_folder_on_top_of_an_archive_is_a_path(tmp_path: Path) -> None:
    place = zipped(tmp_path / "a.zip", [(f"top.zarr/{key}", raw) for key, raw in v3().items()])
    np.testing.assert_array_equal(zarrite.open_array(place, path="top.zarr", mode="r")[...], CELLS)


def test_8_9_an_archive_with_a_comment_is_found_from_its_end(tmp_path: Path) -> None:
    place = zipped(tmp_path / "a.zip", list(v3().items()))
    with zipfile.ZipFile(place, "a") as archive:
        archive.comment = b"x" * 60_000
    np.testing.assert_array_equal(cells_of(place), CELLS)  # type: ignore[arg-type]


def test_8_9_what_an_interrupted_writer_left_is_damage_and_what_it_had_begun_is_nobodys(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a", shape=(4,), chunks=(2,), dtype="i4")[...] = 1
    (tmp_path / "a" / "c" / "0.partial").write_bytes(b"half")
    assert zarrite.open_array(tmp_path / "a", mode="r")[...].tolist() == [1, 1, 1, 1]
    (tmp_path / "a" / "c" / "0").write_bytes(b"")
    with pytest.raises(ChunkDecodeError):
        zarrite.open_array(tmp_path / "a", mode="r")[...]
    found = [one.rule for one in zarrite.check(tmp_path / "a").findings]
    assert sorted(found) == ["chunk-empty", "partial"]
