"""`zarrite.check`: what is wrong is found, what is right is not, and repairs change words and nothing else."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import NodeNotFoundError

DOCUMENT = "zarr.json"
EMPTY = 2**64 - 1


def rules(store: Any, severity: str | None = None, **how: Any) -> list[str]:
    """The rules of what is found."""
    found = zarrite.check(store, **how).findings
    return [one.rule for one in found if severity is None or one.severity == severity]


def hierarchy(zarr_format: int = 3) -> dict[str, bytes]:
    store: dict[str, bytes] = {}
    group = zarrite.create_group(store, zarr_format=zarr_format, attributes={"title": "a"})
    group.create_array("a/x", shape=(8, 8), chunks=(4, 4), dtype="i4")[...] = np.arange(64).reshape(8, 8)
    group.create_array("t", shape=(3,), chunks=(2,), dtype="f8", fill_value=np.nan)[...] = 1.5
    return store


def edited(store: dict[str, bytes], key: str, **members: Any) -> dict[str, bytes]:
    """A store with members of a document replaced; those that are `...` are taken out."""
    document = json.loads(store[key]) | members
    return {**store, key: json.dumps({k: v for k, v in document.items() if v is not ...}).encode()}


def sharded(**more: Any) -> dict[str, bytes]:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(8, 8), chunks=(2, 2), shards=(8, 8), dtype="i4", **more)
    array[:4, :4] = np.arange(16).reshape(4, 4)
    return store


# ------------------------------------------------------------------ what is right


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_is_written_here_has_no_findings(zarr_format: int) -> None:
    done = zarrite.check(hierarchy(zarr_format), chunks=True)
    assert [str(one) for one in done.findings] == []
    assert done.is_clean
    assert (done.groups, done.arrays, done.chunks, done.chunks_read) == (2, 2, 6, 6)


@pytest.mark.parametrize("how", [{}, {"index_location": "start"}])
def test_shards_that_are_right_have_no_findings(how: dict[str, Any]) -> None:
    assert rules(sharded_with(how), chunks=True) == []


@pytest.mark.parametrize("inner", [{"chunks": [[3, 4], [2, 2, 1]]}, {"chunks": (1, 1), "shards": [[3, 4], [2, 2, 1]]}])
def test_chunks_of_several_shapes_are_decoded_like_others(inner: dict[str, Any]) -> None:
    store: dict[str, bytes] = {}
    with zarrite.config.set({"array.rectilinear_chunks": True}):
        zarrite.create_array(store, shape=(7, 5), dtype="i4", **inner)[...] = np.arange(35).reshape(7, 5)
    done = zarrite.check(store, chunks=True)
    assert ([str(one) for one in done.findings], done.chunks_read) == ([], 6)
    store["c/1/1"] = b"?" * 300
    assert rules(store, chunks=True) == ["chunk-damaged"]


def sharded_with(how: dict[str, Any]) -> dict[str, bytes]:
    store: dict[str, bytes] = {}
    shards = {"shape": (8, 8), **how}
    zarrite.create_array(store, shape=(8, 8), chunks=(2, 2), shards=shards, dtype="i4")[:4] = 1
    return store


def test_a_sample_reads_so_many_of_each_array() -> None:
    assert zarrite.check(hierarchy(), sample=1).chunks_read == 2
    with pytest.raises(ValueError, match="at least one"):
        zarrite.check(hierarchy(), sample=0)


def test_a_node_below_can_be_checked_alone() -> None:
    store = edited(hierarchy(), "t/zarr.json", dimension_names=None)
    assert rules(store, path="a") == []
    assert rules(store, path="t") != []
    with pytest.raises(NodeNotFoundError):
        zarrite.check(store, path="nothing")


# ------------------------------------------------------------------ documents

BROKEN: dict[str, tuple[int, str, dict[str, Any], str]] = {
    "no dimension names": (3, "a/x/zarr.json", {"dimension_names": None}, "null-in-place"),
    "text for a codec": (3, "a/x/zarr.json", {"codecs": ["bytes"]}, "codec-bytes-without"),
    "unknown codec": (3, "a/x/zarr.json", {"codecs": [{"name": "nobody"}]}, "codec-unknown"),
    "unknown type": (3, "a/x/zarr.json", {"data_type": "float7"}, "data-type-unknown"),
    "unknown member": (3, "a/x/zarr.json", {"mystery": 1}, "document-unreadable"),
    "no fill value": (3, "a/x/zarr.json", {"fill_value": None}, "no-fill-value"),
    "fill value as text": (3, "a/x/zarr.json", {"fill_value": 0.0}, "an-integer-fill-value"),
    "short hexadecimal": (3, "t/zarr.json", {"fill_value": "0x7FF8"}, "fill-value-form"),
    "one name for two axes": (3, "a/x/zarr.json", {"dimension_names": ["y", "y"]}, "dimension-names-double"),
    "filters": (2, "t/.zarray", {"filters": []}, "filters-empty"),
    "members missing": (2, "t/.zarray", {"filters": ..., "order": ...}, "member-missing"),
    "unknown member of a group": (2, ".zgroup", {"_NCZARR_GROUP": {}}, "member-unknown"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_documents_against_the_letter_are_told(name: str) -> None:
    zarr_format, key, members, rule = BROKEN[name]
    store = edited(hierarchy(zarr_format), key, **members)
    found = zarrite.check(store).findings
    assert any(one.rule.startswith(rule) and one.key == key for one in found), [str(one) for one in found]
    for one in found:
        assert one.message
        assert one.way_out


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b'\xef\xbb\xbf{"zarr_format": 3, "node_type": "group"}', "byte-order-mark"),
        (b'{"zarr_format": 3, "node_type": "group", "attributes": {"a": 1, "a": 2}}', "member-double"),
        (b'{"zarr_format": 3, "node_type": "group", "attributes": {"a": NaN}}', "json-tokens"),
        (b'{"zarr_format": 3, "node_type": "group",}', "document-unreadable"),
        (b'{"zarr_format": "https://purl.org/zarr/spec/protocol/core/3.0"}', "document-unreadable"),
    ],
)
def test_text_that_is_not_plain_json_is_told(text: bytes, rule: str) -> None:
    assert rules({DOCUMENT: text}) == [rule]


# ------------------------------------------------------------------ hierarchies and orphans


def test_a_group_that_is_missing_is_told_and_made() -> None:
    store = hierarchy()
    del store["a/zarr.json"]
    assert rules(store) == ["group-missing"]
    done = zarrite.check(store, repair=True)
    assert [one.key for one in done.repairs] == ["a/zarr.json"]
    assert done.is_clean
    assert rules(store) == []
    assert isinstance(zarrite.open(store, path="a", mode="r"), zarrite.Group)


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("a/x/c/9/0", "chunk-outside"),
        ("a/x/notes.txt", "stray"),
        ("a/x/c/0/0.partial", "partial"),
        ("a/.lock", "lock"),
        (".DS_Store", "system-file"),
        ("t/c/0/1", "stray"),
    ],
)
def test_objects_that_nobody_will_read_are_told(key: str, rule: str) -> None:
    assert rules({**hierarchy(), key: b"?"}) == [rule]


def test_a_node_in_an_array_and_a_reserved_name_are_told() -> None:
    store = hierarchy()
    group = store["a/zarr.json"]
    assert rules({**store, "t/inner/zarr.json": group}) == ["node-in-array"]
    assert rules({**store, "__odd/zarr.json": group}) == ["name-reserved"]


def test_what_a_killed_writer_left_in_a_folder_is_told(tmp_path: Path) -> None:
    zarrite.create_group(tmp_path / "g")
    (tmp_path / "g" / ".zarrite-1-2.partial").write_bytes(b"half")
    (tmp_path / "g" / "nothing").mkdir()
    assert sorted(rules(tmp_path / "g")) == ["folder-empty", "partial"]


def test_what_a_killed_writer_left_in_a_folder_is_deleted_by_a_repair(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "g", name="deep/a", data=np.arange(4))
    left = [tmp_path / "g/.zarrite-1-2.partial", tmp_path / "g/deep/a/c/.zarrite-1-3.partial"]
    lock = tmp_path / "g/.zarrite-lock.partial"
    for file in (*left, lock):
        file.write_bytes(b"half")
    rehearsed = zarrite.check(tmp_path / "g", repair=True, dry_run=True)
    assert [repair.key for repair in rehearsed.repairs] == [".zarrite-1-2.partial", "deep/a/c/.zarrite-1-3.partial"]
    assert all(file.exists() for file in left)
    assert zarrite.check(tmp_path / "g", repair=True).repairs == rehearsed.repairs
    assert [file.exists() for file in (*left, lock)] == [False, False, True]
    assert rules(tmp_path / "g") == ["lock"]
    assert zarrite.open_array(tmp_path / "g", path="deep/a", mode="r")[...].tolist() == [0, 1, 2, 3]


def test_an_object_of_no_bytes_is_told(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a", shape=(4,), chunks=(2,), dtype="i4")[...] = 1
    (tmp_path / "a" / "c" / "1").write_bytes(b"")
    assert rules(tmp_path / "a") == ["chunk-empty"]


def test_names_that_stand_in_an_archive_twice_are_told(tmp_path: Path) -> None:
    text = b'{"zarr_format": 3, "node_type": "group"}'
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(DOCUMENT, b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(DOCUMENT, text)
    assert rules(tmp_path / "a.zip") == ["archive-double"]
    with zarrite.open_group(tmp_path / "a.zip", mode="r+") as group:
        group.attrs["changed"] = True
    assert rules(tmp_path / "a.zip") == [], "writing leaves the last of each"


# ------------------------------------------------------------------ chunks and shards


def test_a_chunk_that_cannot_be_decoded_is_told_where_chunks_are_read() -> None:
    store = hierarchy()
    store["t/c/0"] = b"no chunk"
    assert rules(store) == []
    (finding,) = zarrite.check(store, chunks=True).findings
    assert (finding.rule, finding.key, finding.severity) == ("chunk-damaged", "t/c/0", "error")


def index_of(raw: bytes) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.frombuffer(raw[-16 * 16 :], "<u8").reshape(16, 2).copy()


PLAIN = {"serializer": codecs.ShardingCodec((2, 2), [codecs.BytesCodec()], [codecs.BytesCodec()])}


def plain_shard() -> dict[str, bytes]:
    """A shard whose index has no checksum, so that a test may write another."""
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(8, 8), chunks=(8, 8), dtype="i4", compressors=None, **PLAIN)
    array[:4, :4] = np.arange(16).reshape(4, 4)
    return store


def with_index(change: dict[tuple[int, int], int]) -> dict[str, bytes]:
    store = plain_shard()
    raw = store["c/0/0"]
    words = index_of(raw)
    for (chunk, word), value in change.items():
        words[chunk, word] = value
    return {**store, "c/0/0": raw[: -16 * 16] + words.tobytes()}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({(0, 0): 10**6}, "index-outside"),
        ({(0, 0): EMPTY}, "index-outside"),
        ({(0, 1): EMPTY - 1}, "index-outside"),
        ({(0, 0): 60}, "index-overlap"),
        ({(0, 0): 8}, "chunks-overlap"),
        ({(15, 0): 12}, "index-marker"),
        ({(0, 0): 16}, "chunks-shared"),
    ],
)
def test_entries_that_cannot_be_are_told(change: dict[tuple[int, int], int], rule: str) -> None:
    assert rule in rules(with_index(change))


def test_a_wrong_checksum_of_an_index_is_told_apart_from_a_damaged_index() -> None:
    store = sharded()
    raw = store["c/0/0"]
    assert rules({**store, "c/0/0": raw[:-4] + b"\0\0\0\0"}) == ["index-checksum"]
    assert rules({**store, "c/0/0": raw[:-200] + b"\x07" * 196 + raw[-4:]}) == ["index-damaged"]
    assert rules({**store, "c/0/0": raw[:100]}) == ["shard-cut"]


def test_absent_chunks_marked_by_half_are_put_right() -> None:
    store = with_index({(15, 0): 12, (14, 0): 0})
    want = zarrite.open_array(store, mode="r")[...]
    before = store["c/0/0"]
    done = zarrite.check(store, repair=True)
    assert [(one.key, one.backup) for one in done.repairs] == [("c/0/0", "c/0/0.before-repair")]
    assert store["c/0/0.before-repair"] == before
    assert store["c/0/0"] == plain_shard()["c/0/0"]
    np.testing.assert_array_equal(zarrite.open_array(dict(store), mode="r")[...], want)
    assert "index-marker" not in rules(store)


# ------------------------------------------------------------------ consolidated metadata


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_copies_that_are_stale_are_told_and_made_anew(zarr_format: int) -> None:
    store = hierarchy(zarr_format)
    zarrite.consolidate_metadata(store)
    assert rules(store) == []
    attributes = "t/.zattrs" if zarr_format == 2 else "t/zarr.json"
    changed = edited(store, attributes, **({"units": "K"} if zarr_format == 2 else {"attributes": {"units": "K"}}))
    (finding,) = zarrite.check(changed).findings
    assert finding.rule == "consolidated-differs"
    assert "t (attributes)" in finding.message
    gone = {key: raw for key, raw in changed.items() if not key.startswith("a/x/")}
    assert rules(gone) == ["consolidated-differs", "consolidated-gone"]
    extra = {**gone, **{key.replace("t/", "new/", 1): raw for key, raw in gone.items() if key.startswith("t/")}}
    assert sorted(rules(extra)) == ["consolidated-differs", "consolidated-gone", "consolidated-missing"]
    done = zarrite.check(extra, repair=True)
    assert done.is_clean
    assert [one.rule for one in zarrite.check(extra).findings] == ["backup"]
    opened = zarrite.open_consolidated(extra)
    assert sorted(name for name, _ in opened.members(max_depth=None)) == ["a", "new", "t"]
    assert opened["t"].attrs["units"] == "K"


# ------------------------------------------------------------------ known writers


def v2_array(chain: dict[str, Any] | None = None, **members: Any) -> dict[str, bytes]:
    document = {
        "zarr_format": 2,
        "shape": [4, 4],
        "chunks": [2, 2],
        "dtype": "<i4",
        "compressor": chain,
        "fill_value": 0,
        "order": "C",
        "filters": None,
    } | members
    return {".zarray": json.dumps(document).encode()}


def test_nested_keys_of_a_document_that_does_not_say_so_are_told_and_said() -> None:
    store = v2_array() | {f"{row}/{column}": struct.pack("<4i", 1, 2, 3, 4) for row in range(2) for column in range(2)}
    assert rules(store, "error") == ["separator"]
    assert not zarrite.open_array(dict(store), mode="r")[...].any()
    assert zarrite.check(store, repair=True).is_clean
    assert zarrite.open_array(dict(store), mode="r")[...].all()


def test_bytes_behind_a_blosc_frame_are_told_and_harm_nobody() -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(
        store, shape=(4,), chunks=(4,), dtype="i4", zarr_format=2, compressors=codecs.BloscCodec()
    )
    array[...] = 7
    store["0"] += bytes(16)
    assert rules(store, chunks=True) == ["blosc-trailing"]


def test_a_transpose_that_is_not_its_own_inverse_is_told() -> None:
    store: dict[str, bytes] = {}
    chain = [codecs.TransposeCodec([2, 0, 1])]
    zarrite.create_array(store, shape=(2, 2, 2), chunks=(2, 2, 2), dtype="i4", filters=chain)
    assert rules(store) == ["zarrita-transpose"]
    zarrite.create_array(store, shape=(2, 2), dtype="i4", filters=[codecs.TransposeCodec([1, 0])], overwrite=True)
    assert rules(store) == []


def test_an_index_without_a_checksum_and_the_release_of_a_writer_are_told() -> None:
    assert rules(plain_shard()) == ["index-unchecked"]
    old = {"_zarrs": {"version": "0.11.2", "repository": "?", "description": "?"}}
    assert rules(sharded(attributes=old)) == ["zarrs-checksums"]
    assert rules(sharded(attributes={"_zarrs": {"version": "0.12.0"}})) == []


# ------------------------------------------------------------------ repairs

MENDED = [
    (3, "a/x/zarr.json", {"dimension_names": None}),
    (3, "a/x/zarr.json", {"fill_value": 0.0}),
    (3, "t/zarr.json", {"fill_value": "0x7FF8000000000000"}),
    (3, "t/zarr.json", {"codecs": [{"name": "endian", "configuration": {"endian": "little"}}]}),
    (2, "t/.zarray", {"filters": []}),
    (2, "t/.zarray", {"filters": ..., "order": ..., "fill_value": ...}),
    (2, "a/x/.zarray", {"compressor": {"id": "zstd", "level": 0, "checksum": False}}),
    (2, "a/x/.zarray", {"fill_value": "0"}),
]


@pytest.mark.parametrize(("zarr_format", "key", "members"), MENDED)
def test_a_repair_keeps_the_meaning_and_what_was_there(zarr_format: int, key: str, members: dict[str, Any]) -> None:
    store = edited(hierarchy(zarr_format), key, **members)
    before = dict(store)
    path = key.rpartition("/")[0]
    want = zarrite.open_array(dict(store), path=path, mode="r").metadata
    wanted = zarrite.check(store, repair=True, dry_run=True)
    assert store == before
    assert [one.key for one in wanted.repairs] == [key]
    assert wanted.findings
    done = zarrite.check(store, repair=True)
    assert store.keys() - before.keys() == {key + ".before-repair"}
    assert store[key + ".before-repair"] == before[key]
    assert done.repairs == wanted.repairs
    assert rules(store, "error") == []
    assert rules(store, "warning") == []
    assert zarrite.open_array(dict(store), path=path, mode="r").metadata == want


def test_a_second_repair_keeps_the_first_backup() -> None:
    store = edited(hierarchy(2), "t/.zarray", filters=[])
    first = store["t/.zarray"]
    zarrite.check(store, repair=True)
    store["t/.zarray"] = first
    assert [one.backup for one in zarrite.check(store, repair=True).repairs] == ["t/.zarray.before-repair-2"]
    assert zarrite.check(store, repair=True).repairs == ()


def test_what_would_need_a_guess_is_not_repaired() -> None:
    for members in ({"fill_value": None}, {"codecs": ["bytes"]}, {"mystery": 1}):
        store = edited(hierarchy(), "a/x/zarr.json", **members)
        assert [one for one in zarrite.check(store).findings if one.severity == "error" and one.repairable] == []
        before = store["a/x/zarr.json"]
        assert not zarrite.check(store, repair=True).is_clean
        assert store.get("a/x/zarr.json.before-repair", before) == before


def test_an_axis_of_no_length_gets_a_chunk_of_one() -> None:
    store = v2_array(shape=[0, 4], chunks=[0, 2])
    zarrite.check(store, repair=True)
    assert json.loads(store[".zarray"])["chunks"] == [1, 2]


# ------------------------------------------------------------------ files of others


def test_what_others_wrote_is_checked_without_a_stumble(data: Path) -> None:
    roots: list[Path] = []
    for name in (DOCUMENT, ".zgroup", ".zarray"):
        for found in sorted((data / "zarr").rglob(name)):
            if not any(root == found.parent or root in found.parent.parents for root in roots):
                roots.append(found.parent)
    for root in roots[::3]:
        done = zarrite.check(root, sample=1)
        json.dumps(done.to_dict())
        # None of these is known to have a damaged chunk.
        assert [str(one) for one in done.findings if one.rule in ("chunk-damaged", "index-damaged")] == [], root
