"""Stores that keep what they read: as few requests as the user's word allows, and nothing older than it."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite.errors import UrlError
from zarrite.storage import CacheStore, MemoryStore

VALUES = np.arange(128 * 128, dtype="i4").reshape(128, 128)


class Place:
    """A bucket with a plain and a sharded array, and what was asked of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.options = server.options()
        self.url = f"s3://{server.bucket}/data"
        group = zarrite.create_group(self.url, storage_options=self.options)
        for name, shards in (("plain", None), ("sharded", (128, 128))):
            group.create_array(name, shape=VALUES.shape, chunks=(32, 32), shards=shards, dtype="i4")[...] = VALUES
        self.asked()

    def asked(self) -> list[str]:
        self.server.settle()
        found = [entry.method for entry in self.server.requests()]
        self.server.forget()
        return found

    def other(self) -> dict[str, Any]:
        """Options that lead to the same bucket by another handle, as another program's would."""
        return {**self.options, "region": "elsewhere"}


@pytest.fixture
def place(s3: Server) -> Place:
    return Place(s3)


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return {"folder": tmp_path / "shelf"} if request.param == "folder" else {}


def test_what_never_changes_is_asked_for_once(place: Place, shelf: dict[str, Any]) -> None:
    store = CacheStore(place.url, storage_options=place.options, check="never", **shelf)
    for turn in range(3):
        group = zarrite.open_group(store, mode="r")
        for name in ("plain", "sharded"):
            np.testing.assert_array_equal(group[name][...], VALUES)
            np.testing.assert_array_equal(group[name][3:70, 5], VALUES[3:70, 5])
        asked = place.asked()
        assert bool(asked) == (turn == 0), asked


def test_a_read_that_is_checked_each_time_moves_no_bytes(place: Place, shelf: dict[str, Any]) -> None:
    store = CacheStore(place.url, storage_options=place.options, check="always", **shelf)
    plain, sharded = (zarrite.open_array(store, path=name, mode="r") for name in ("plain", "sharded"))
    plain[...], sharded[...]
    place.asked()
    zarrite.stats(reset=True)
    np.testing.assert_array_equal(plain[...], VALUES)
    assert place.asked() == ["HEAD"] * 16
    np.testing.assert_array_equal(sharded[...], VALUES)
    assert place.asked() == ["HEAD"]
    assert zarrite.stats().requests.in_bytes == 0
    assert zarrite.stats().stored_bytes.misses == 0
    assert zarrite.stats().stored_bytes.hits >= 17


def test_seconds_say_how_long_nothing_is_asked(place: Place, shelf: dict[str, Any]) -> None:
    store = CacheStore(place.url, storage_options=place.options, check=1000, **shelf)
    array = zarrite.open_array(store, path="sharded", mode="r+")
    array[...]
    place.asked()
    np.testing.assert_array_equal(array[...], VALUES)
    assert place.asked() == []
    # What is written here is seen at once.
    array[5, 5] = -1
    place.asked()
    assert array[5, 5] == -1
    assert set(place.asked()) == {"GET"}


@pytest.mark.parametrize("name", ["plain", "sharded"])
def test_a_change_by_others_is_seen_when_the_store_is_asked(place: Place, shelf: dict[str, Any], name: str) -> None:
    always = zarrite.open_array(
        CacheStore(place.url, storage_options=place.options, check="always", **shelf), path=name, mode="r"
    )
    never = zarrite.open_array(CacheStore(place.url, storage_options=place.options, check="never"), path=name, mode="r")
    always[...], never[...]
    other = zarrite.open_array(place.url, path=name, storage_options=place.other(), mode="r+")
    other[...] = 7
    assert (always[...] == 7).all()
    np.testing.assert_array_equal(never[...], VALUES)
    other[3, 4] = 8
    assert always[3, 4] == 8


def test_documents_are_kept_and_checked(place: Place, shelf: dict[str, Any]) -> None:
    store = CacheStore(place.url, storage_options=place.options, check="always", **shelf)
    zarrite.open_array(store, path="plain", mode="r")
    place.asked()
    zarrite.open_array(store, path="plain", mode="r")
    assert place.asked() == ["HEAD"]
    zarrite.open_array(place.url, path="plain", storage_options=place.other(), mode="r+").attrs["unit"] = "m"
    place.asked()
    assert zarrite.open_array(store, path="plain", mode="r").attrs["unit"] == "m"


def test_the_option_cache_is_the_same_store(place: Place, tmp_path: Path) -> None:
    options = {**place.options, "cache": {"folder": tmp_path / "shelf", "check": "never"}}
    np.testing.assert_array_equal(zarrite.open_array(place.url, path="plain", storage_options=options)[...], VALUES)
    place.asked()
    script = (
        "import sys, zarrite\n"
        "options = eval(sys.argv[2])\n"
        "print(int(zarrite.open_array(sys.argv[1], path='plain', storage_options=options, mode='r')[...].sum()))\n"
        "print(zarrite.stats().requests.get)\n"
    )
    told = {**options, "cache": {"folder": str(tmp_path / "shelf"), "check": "never"}}
    done = subprocess.run(
        [sys.executable, "-c", script, place.url, repr(told)], check=True, capture_output=True, text=True
    )
    # Another process finds what this one kept.
    assert done.stdout.split() == [str(VALUES.sum()), "0"]
    assert place.asked() == []
    for asked in ({"colour": 1}, 3):
        with pytest.raises(UrlError, match="cache"):
            zarrite.open_array(place.url, path="plain", storage_options={**place.options, "cache": asked})


def test_places_of_this_process_alone_are_not_taken_for_those_of_others(tmp_path: Path) -> None:
    script = (
        "import sys, zarrite\n"
        "from zarrite.storage import CacheStore, MemoryStore\n"
        "inner = MemoryStore()\n"
        "inner.put('key', sys.argv[2].encode()).result()\n"
        "store = CacheStore(inner, folder=sys.argv[1], check='never')\n"
        "store.get('key').result()\n"
        "print(store.get('key').result().decode())\n"
    )
    for value in ("one", "two"):
        words = [sys.executable, "-c", script, str(tmp_path / "shelf"), value]
        assert subprocess.run(words, check=True, capture_output=True, text=True).stdout == value + "\n"


def test_damage_in_the_folder_is_never_read(place: Place, tmp_path: Path) -> None:
    store = CacheStore(place.url, storage_options=place.options, check="never", folder=tmp_path / "shelf")
    array = zarrite.open_array(store, path="sharded", mode="r")
    array[...]
    for file in (tmp_path / "shelf").rglob("*-*"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    np.testing.assert_array_equal(array[...], VALUES)
    np.testing.assert_array_equal(zarrite.open_array(store, path="sharded", mode="r")[...], VALUES)


def test_the_budget_counts_in_the_statistics(place: Place, shelf: dict[str, Any]) -> None:
    gc.collect()
    before = zarrite.stats().stored_bytes
    store = CacheStore(place.url, storage_options=place.options, check="never", max_bytes=12_000, **shelf)
    assert zarrite.stats().stored_bytes.budget_bytes == before.budget_bytes + 12_000
    array = zarrite.open_array(store, path="plain", mode="r")
    for _ in range(2):
        np.testing.assert_array_equal(array[...], VALUES)
    assert before.bytes < zarrite.stats().stored_bytes.bytes <= before.bytes + 12_000


def test_a_store_written_in_python_is_kept_for_a_time() -> None:
    class Slow(dict[str, bytes]):
        asked = 0

        def get(self, key: str, default: Any = None) -> Any:
            Slow.asked += 1
            return super().get(key, default)

    mapping = Slow()
    zarrite.create_array(mapping, shape=(128, 128), chunks=(32, 32), dtype="i4")[...] = VALUES
    array = zarrite.open_array(CacheStore(mapping, check=1000), mode="r")
    np.testing.assert_array_equal(array[...], VALUES)
    asked = Slow.asked
    np.testing.assert_array_equal(array[...], VALUES)
    assert Slow.asked == asked


def test_what_means_nothing_is_refused(tmp_path: Path) -> None:
    for settings in (
        {"check": "sometimes"},
        {"check": -1},
        {"check": float("nan")},
        {"max_bytes": -1},
        {"max_bytes": 1.5},
    ):
        with pytest.raises(ValueError, match=next(iter(settings))):
            CacheStore(MemoryStore(), **settings)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        CacheStore(MemoryStore(), folder=tmp_path / "file")
