"""What known releases left: read where it can be read, and told by `zarrite.check` (format reference 8.8)."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, LITTLE, cells_of, only_fill, same, text, v2, v3
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, MetadataValidationError


def rules(store: dict[str, bytes], **how: Any) -> list[str]:
    return [one.rule for one in zarrite.check(store, **how).findings]


def test_8_8_wrong_checksums_of_old_zarrs_are_refused_and_told() -> None:
    store = v3(raw=CELLS.tobytes() + b"\1\2\3\4", codecs=[LITTLE, {"name": "crc32c"}])
    with pytest.raises(ChunkDecodeError, match=r"checksum|crc32c"):
        cells_of(store)
    document = json.loads(store["zarr.json"]) | {"attributes": {"_zarrs": {"version": "0.11.3"}}}
    assert rules({**store, "zarr.json": text(document)}, chunks=True) == ["chunk-damaged", "zarrs-checksums"]


def test_8_8_codecs_as_texts_of_old_zarrs_are_read_and_told() -> None:
    store = v3(CELLS.astype("u1"), codecs=["bytes"])
    same(store, CELLS.astype("u1"))
    assert rules(store) == ["codec-as-text"]


def test_8_8_empty_filters_of_format_2_are_read_and_mended() -> None:
    store = v2(filters=[])
    same(store)
    assert rules(store, repair=True) == []
    assert json.loads(store[".zarray"])["filters"] is None


def test_8_8_a_checksum_member_of_zstd_in_format_2_is_read_and_told() -> None:
    made: dict[str, bytes] = {}
    zarrite.create_array(made, shape=(2, 3), chunks=(2, 3), dtype="i4", compressors=codecs.ZstdCodec(1))[...] = CELLS
    store = v2(raw=made["c/0/0"], compressor={"id": "zstd", "level": 1, "checksum": False})
    same(store)
    assert rules(store) == ["zstd-checksum"]


def test_8_8_markers_of_absence_with_an_offset_are_read_and_mended() -> None:
    words = [64, 16, 2**64 - 1, 2**64 - 1, 63, 2**64 - 1, 2**64 - 1, 2**64 - 1]
    raw = struct.pack("<8Q", *words) + CELLS.tobytes()[:16]
    inner = {"chunk_shape": [2, 2], "codecs": [LITTLE], "index_codecs": [LITTLE], "index_location": "start"}
    store = v3(np.zeros((4, 4), "<i4"), raw, codecs=[{"name": "sharding_indexed", "configuration": inner}])
    want = np.zeros((4, 4), "<i4")
    want[:2, :2] = [[0, 1], [2, 3]]
    same(store, want)
    assert "index-marker" in rules(store)
    zarrite.check(store, repair=True)
    assert "index-marker" not in rules(store)
    same(store, want)


def test_8_8_turns_that_are_not_their_own_inverse_are_read_by_the_letter_and_told() -> None:
    cells = np.arange(24, dtype="<i4").reshape(2, 3, 4)
    chain = [{"name": "transpose", "configuration": {"order": [2, 0, 1]}}, LITTLE]
    store = v3(cells, np.ascontiguousarray(cells.transpose(2, 0, 1)).tobytes(), codecs=chain)
    same(store, cells)
    assert rules(store) == ["zarrita-transpose"]


def test_8_8_bare_tokens_in_documents_of_format_2_are_read_and_told() -> None:
    store = v2(np.zeros(2, "<f4"), fill_value="?")
    store[".zarray"] = store[".zarray"].replace(b'"?"', b"NaN")
    assert np.isnan(cells_of(only_fill(store))).all()
    assert rules(store) == ["json-tokens"]
    zarrite.check(store, repair=True)
    assert json.loads(store[".zarray"])["fill_value"] == "NaN"


def test_8_8_frames_of_blosc_with_another_size_of_element_are_read_and_told() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    cells = np.arange(1000, dtype="<i4")
    raw = bytes(numcodecs.Blosc(cname="lz4", shuffle=1).encode(cells.view("u1")))
    chain = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 0}
    store = v3(cells, raw, codecs=[LITTLE, {"name": "blosc", "configuration": chain}])
    same(store, cells)
    assert rules(store) == ["blosc-typesize"]


def test_8_8_copies_without_the_marker_of_child_groups_are_read() -> None:
    below = {"a": {"zarr_format": 3, "node_type": "group"}}
    inline = {"kind": "inline", "must_understand": False, "metadata": below}
    group = {"zarr_format": 3, "node_type": "group"}
    store = {"zarr.json": text({**group, "consolidated_metadata": inline}), "a/zarr.json": text(group)}
    assert [name for name, _ in zarrite.open_group(store, mode="r").members()] == ["a"]
    assert rules(store) == []


def test_8_8_zeros_with_a_point_and_bytes_behind_a_frame_are_read_and_told() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    raw = bytes(numcodecs.Blosc(cname="lz4", shuffle=1).encode(CELLS)) + bytes(16)
    blosc = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
    store = v2(raw=raw, compressor=blosc, fill_value=0.0)
    same(store)
    assert sorted(rules(store)) == ["an-integer-fill-value-written-as-a-float-or-as-text", "blosc-trailing"]


def test_8_8_drafts_of_format_3_are_refused_by_what_they_are() -> None:
    root = text({"zarr_format": "https://purl.org/zarr/spec/protocol/core/3.0", "metadata_encoding": "?"})
    with pytest.raises(MetadataValidationError, match="draft"):
        zarrite.open_group({"zarr.json": root}, mode="r")


def test_8_8_bits_above_the_first_are_told() -> None:
    bits = {"name": "packbits", "configuration": {"first_bit": 1, "last_bit": 3}}
    store = v3(np.array([2, 4, 14, 0], "u1"), bytes([0b111_010_001 & 0xFF, 0b0000_0001]), codecs=[bits])
    assert rules(store) == ["zarrs-packbits"]


def test_8_8_unsigned_numbers_in_zfp_are_told_and_never_clamped() -> None:
    zfp = {"name": "zfp", "configuration": {"mode": "reversible"}}
    store = only_fill(v3(np.zeros(4, "<u4"), codecs=[zfp]))
    array = zarrite.open_array(store, mode="r+")
    with pytest.raises(ValueError, match=r"2147483647|signed"):
        array[...] = np.full(4, 2**31, "u4")
    assert set(store) == {"zarr.json"}
    array[...] = np.full(4, 2**31 - 1, "u4")
    assert (array[...] == 2**31 - 1).all()
    assert rules(store) == ["zarrs-zfp-unsigned"]
