"""Byte order, order in memory, and bytes that look like those of another codec (format reference 8.4 and 8.5)."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, LITTLE, cells_of, same, v2, v3
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, ZarriteError


def test_8_4_big_endian_column_major_and_filtered_at_once() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    column = np.asarray(CELLS.astype(">i4").T).ravel()
    raw = numcodecs.Delta(">i4", ">i8").encode(column)
    filters = [{"id": "delta", "dtype": ">i4", "astype": ">i8"}]
    store = v2(CELLS.astype(">i4"), np.asarray(raw).tobytes(), order="F", filters=filters)
    found = cells_of(store)
    assert found.dtype == np.dtype(">i4")
    np.testing.assert_array_equal(found, CELLS)


def test_8_4_structs_keep_the_order_of_each_field() -> None:
    cells = np.array([(1, 2.5, 3), (-1, 0.5, 4)], dtype=[("a", ">i2"), ("b", "<f8"), ("c", "u1")])
    store = v2(cells, dtype=[["a", ">i2"], ["b", "<f8"], ["c", "|u1"]], fill_value=None)
    found = cells_of(store)
    assert found.dtype == cells.dtype
    assert found.tobytes() == cells.tobytes()


@pytest.mark.parametrize("dtype", ["|u1", "<u1", ">u1"])
def test_8_4_one_byte_has_no_order(dtype: str) -> None:
    same(v2(CELLS.astype("u1"), dtype=dtype), CELLS.astype("u1"))


def test_8_4_a_copy_into_format_3_puts_the_byte_order_into_the_chain() -> None:
    store: dict[str, bytes] = {}
    zarrite.from_array(store, data=zarrite.open_array(v2(CELLS.astype(">i4")), mode="r"), zarr_format=3)
    np.testing.assert_array_equal(cells_of(store), CELLS)
    assert b'"endian"' in store["zarr.json"]


def test_8_4_arrays_of_writers_that_count_axes_from_the_other_end_are_as_their_documents_say() -> None:
    reversed_axes = np.asfortranarray(CELLS)
    raw = reversed_axes.tobytes(order="F")
    same(v3(CELLS.T.copy(), raw), np.frombuffer(raw, "<i4").reshape(3, 2))


LZ4_BLOCK = b"\x60" + bytes(range(6))


def test_8_5_lz4_of_numcodecs_is_a_block_behind_its_length_and_nothing_else() -> None:
    cells = np.arange(6, dtype="u1")
    same(v2(cells, struct.pack("<I", 6) + LZ4_BLOCK, compressor={"id": "lz4", "acceleration": 1}), cells)
    frame = b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", 7) + LZ4_BLOCK + bytes(4)
    java = b"LZ4Block" + b"\x25" + struct.pack("<3I", 7, 6, 0) + LZ4_BLOCK
    for other in (LZ4_BLOCK, frame, java):
        with pytest.raises(ChunkDecodeError):
            cells_of(v2(cells, other, compressor={"id": "lz4", "acceleration": 1}))


def zstd_frames(raw: bytes) -> dict[str, bytes]:
    """The same bytes in frames of every shape."""
    zstd = pytest.importorskip("numcodecs.zstd")
    first, second = zstd.compress(raw[:8], 1), zstd.compress(raw[8:], 1)
    # A frame without a content size: magic, a descriptor that has none, a window, one raw block that is the last.
    unsized = b"\x28\xb5\x2f\xfd\x00\x58" + struct.pack("<I", (len(raw) << 3) | 1)[:3] + raw
    skip = b"\x50\x2a\x4d\x18" + struct.pack("<I", 3) + b"???"
    return {"two": first + second, "no size": unsized, "skippable": skip + first + skip + second + skip}


@pytest.mark.parametrize("shape", ["two", "no size", "skippable"])
def test_8_5_zstd_frames_of_every_shape_are_decoded(shape: str) -> None:
    raw = zstd_frames(CELLS.tobytes())[shape]
    same(v2(raw=raw, compressor={"id": "zstd", "level": 1}))
    same(v3(raw=raw, codecs=[LITTLE, {"name": "zstd", "configuration": {"level": 1}}]))


def test_8_5_zlib_gzip_and_raw_deflate_are_three_things() -> None:
    raw = CELLS.tobytes()
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    streams = {"zlib": zlib.compress(raw), "gzip": gzip.compress(raw), "raw": deflate.compress(raw) + deflate.flush()}
    for name in ("zlib", "gzip"):
        for stream, data in streams.items():
            store = v2(raw=data, compressor={"id": name, "level": 1})
            if stream == name:
                same(store)
            else:
                with pytest.raises(ChunkDecodeError):
                    cells_of(store)


def test_8_5_gzip_of_several_members_and_padding_is_read() -> None:
    raw = CELLS.tobytes()
    chain = {"compressor": {"id": "gzip", "level": 1}}
    same(v2(raw=gzip.compress(raw[:7]) + gzip.compress(raw[7:]), **chain))
    same(v2(raw=gzip.compress(raw) + bytes(20), **chain))


def test_8_5_bits_are_packed_from_the_highest_by_numcodecs() -> None:
    cells = np.array([True, False, False, True, True, False])
    same(v2(cells, b"\x02" + bytes([0b10011000]), filters=[{"id": "packbits"}], fill_value=False), cells)


@pytest.mark.parametrize("location", ["start", "end"])
def test_8_5_the_place_of_a_checksum_counts(location: str) -> None:
    google = pytest.importorskip("numcodecs.checksum32")
    raw = bytes(google.CRC32C(location=location).encode(CELLS.tobytes()))
    same(v2(raw=raw, filters=[{"id": "crc32c", "location": location}]))
    other = {"start": "end", "end": "start"}[location]
    with pytest.raises(ChunkDecodeError):
        cells_of(v2(raw=raw, filters=[{"id": "crc32c", "location": other}]))


def blosc(cells: Any, **settings: Any) -> bytes:
    numcodecs = pytest.importorskip("numcodecs")
    return bytes(numcodecs.Blosc(**settings).encode(cells))


def test_8_5_blosc_is_decoded_by_the_head_of_its_frame() -> None:
    raw = blosc(np.repeat(CELLS, 100, axis=0), cname="zstd", shuffle=1)
    lying = {"cname": "lz4", "clevel": 9, "shuffle": "bitshuffle", "typesize": 2, "blocksize": 0}
    cells = np.repeat(CELLS, 100, axis=0)
    same(v3(cells, raw, codecs=[LITTLE, {"name": "blosc", "configuration": lying}]), cells)
    same(v2(cells, raw + bytes(16), compressor={"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 0}), cells)


def test_8_5_a_frame_of_blosc_2_is_refused() -> None:
    raw = bytearray(blosc(CELLS, cname="lz4"))
    raw[0] = 5
    with pytest.raises(ChunkDecodeError, match="blosc"):
        cells_of(v2(raw=bytes(raw), compressor={"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}))


def test_8_5_texts_must_be_as_many_as_the_chunk_has_cells() -> None:
    chain = {"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "fill_value": ""}
    cells = np.zeros(2, "i1")
    right = b"\2\0\0\0" + b"\1\0\0\0a" + b"\0\0\0\0"
    assert cells_of(v2(cells, right, **chain)).tolist() == ["a", ""]
    for wrong in (b"\3" + right[1:], b"\1" + right[1:], right[:-1], right[:4] + b"\xff\xff\xff\xff" + right[8:]):
        with pytest.raises(ChunkDecodeError):
            cells_of(v2(cells, wrong, **chain))


def test_8_5_shuffle_leaves_what_does_not_fill_an_element() -> None:
    cells = np.arange(7, dtype="u1")
    same(v2(cells, bytes([0, 2, 4, 1, 3, 5, 6]), filters=[{"id": "shuffle", "elementsize": 2}]), cells)


def test_8_5_differences_of_unsigned_numbers_wrap() -> None:
    cells = np.array([5, 3, 255, 0], "u1")
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=4, chunks=4, dtype="u1", filters=[codecs.Delta("|u1")], compressors=None)
    array[...] = cells
    assert store["c/0"] == bytes([5, 254, 252, 1])
    assert cells_of(store).tolist() == cells.tolist()


def test_8_5_scaled_numbers_are_rounded_to_the_even_one() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    cells = np.array([0.5, 1.5, 2.5, -0.5, 3.49])
    store: dict[str, bytes] = {}
    chain = [codecs.FixedScaleOffset(0, 1, "<f8", "<i2")]
    zarrite.create_array(store, shape=5, chunks=5, dtype="f8", filters=chain, compressors=None)[...] = cells
    assert store["c/0"] == np.asarray(numcodecs.FixedScaleOffset(0, 1, "<f8", "<i2").encode(cells)).tobytes()


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("zlib", zlib.compress)])
def test_8_5_what_decodes_to_more_than_its_chunk_is_refused(name: str, pack: Any) -> None:
    with pytest.raises(ZarriteError, match=r"more|24"):
        cells_of(v2(raw=pack(bytes(10_000_000)), compressor={"id": name, "level": 9}))
