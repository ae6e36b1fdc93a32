"""Archives of other writers: what is stored or deflated is read, other ways of packing are refused by number."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from zarrite.errors import StoreError
from zarrite.storage import ZipStore

READ = (
    "data.zip",
    "data_descriptor_store_compression.zip",
    "infozip_unicode_path.zip",
    "zip64_one_empty_file.zip",
    "zip_deflate.zip",
    "zip_test2.zip",
)
REFUSED = {"zip_bzip2.zip": "method 12", "zip_xz.zip": "method 95", "zip_zstd.zip": "method 93"}


@pytest.mark.parametrize("name", READ)
def test_what_is_in_it_is_read(data: Path, name: str) -> None:
    archive = data / "zip/tensorstore" / name
    store = ZipStore(archive)
    with zipfile.ZipFile(archive) as theirs:
        files = [entry.filename for entry in theirs.infolist() if not entry.is_dir()]
        expected = {file: theirs.read(file) for file in files}
    keys = store.list("").result()
    if name == "infozip_unicode_path.zip":
        # The entry has its name twice; the second one, in UTF-8, is the right one.
        (key,) = keys
        assert bytes(store.get(key).result() or b"") == next(iter(expected.values()))
        return
    assert sorted(keys) == sorted(expected)
    for key, cells in expected.items():
        assert bytes(store.get(key).result() or b"") == cells


@pytest.mark.parametrize("name", REFUSED)
def test_other_ways_of_packing_are_refused(data: Path, name: str) -> None:
    store = ZipStore(data / "zip/tensorstore" / name)
    with pytest.raises((StoreError, ValueError), match=REFUSED[name]):
        store.get("abac-repeat.txt").result()


def test_every_archive_of_the_corpus_is_in_one_of_the_two_lists(data: Path) -> None:
    found = {path.name for path in (data / "zip/tensorstore").iterdir()}
    assert found == {*READ, *REFUSED}
