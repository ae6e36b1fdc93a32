"""Shards as writers left them (format reference 8.6)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import ABSENT, LITTLE, cells_of, v3
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, MetadataValidationError, ZarriteError

CELLS = np.arange(16, dtype="<i4").reshape(4, 4)
PARTS = [CELLS[row : row + 2, column : column + 2].tobytes() for row in (0, 2) for column in (0, 2)]
NO_CHECKSUM = [LITTLE]


def sharding(location: str = "end", index: Any = None, **more: Any) -> list[dict[str, Any]]:
    configuration = {
        "chunk_shape": [2, 2],
        "codecs": [LITTLE],
        "index_codecs": NO_CHECKSUM if index is None else index,
        "index_location": location,
    }
    return [{"name": "sharding_indexed", "configuration": configuration | more}]


def shard(words: list[int], data: bytes, location: str = "end") -> bytes:
    index = struct.pack(f"<{len(words)}Q", *words)
    return index + data if location == "start" else data + index


def words_of(start: int = 0) -> list[int]:
    return [word for number in range(4) for word in (start + 16 * number, 16)]


@pytest.mark.parametrize(("location", "start"), [("end", 0), ("start", 64)])
def test_8_6_offsets_count_from_the_start_of_the_object(location: str, start: int) -> None:
    raw = shard(words_of(start), b"".join(PARTS), location)
    np.testing.assert_array_equal(cells_of(v3(CELLS, raw, codecs=sharding(location))), CELLS)


@pytest.mark.parametrize("offset", [ABSENT, 0, 63, (ABSENT + 64) % 2**64])
def test_8_6_a_length_that_says_absent_is_absent_whatever_the_offset(offset: int) -> None:
    words = words_of(64)
    words[6:8] = [offset, ABSENT]
    found = cells_of(v3(CELLS, shard(words, b"".join(PARTS), "start"), codecs=sharding("start"), fill_value=9))
    assert (found[2:, 2:] == 9).all()
    np.testing.assert_array_equal(found[:2], CELLS[:2])


def test_8_6_an_offset_that_says_absent_with_a_length_is_damage() -> None:
    words = words_of()
    words[0] = ABSENT
    with pytest.raises(ChunkDecodeError):
        cells_of(v3(CELLS, shard(words, b"".join(PARTS)), codecs=sharding()))


def test_8_6_no_bytes_at_an_offset_are_a_chunk_of_no_bytes_and_not_an_absent_one() -> None:
    words = words_of()
    words[1] = 0
    with pytest.raises(ChunkDecodeError):
        cells_of(v3(CELLS, shard(words, b"".join(PARTS)), codecs=sharding()))


def test_8_6_an_index_without_a_checksum_is_read_by_its_own_length() -> None:
    for index in (NO_CHECKSUM, [LITTLE, {"name": "crc32c"}]):
        store: dict[str, bytes] = {}
        chain = codecs.ShardingCodec(
            (2, 2), [codecs.BytesCodec()], [codecs.BytesCodec(), codecs.Crc32cCodec()][: len(index)]
        )
        array = zarrite.create_array(store, shape=(4, 4), chunks=(4, 4), dtype="i4", serializer=chain, compressors=None)
        array[...] = CELLS
        assert len(store["c/0/0"]) == 64 + 64 + 4 * (len(index) - 1)
        np.testing.assert_array_equal(cells_of(store), CELLS)


def test_8_6_an_index_of_the_other_byte_order_is_read() -> None:
    index = np.array(words_of(), ">u8")
    big = [{"name": "bytes", "configuration": {"endian": "big"}}]
    raw = b"".join(PARTS) + index.tobytes()
    np.testing.assert_array_equal(cells_of(v3(CELLS, raw, codecs=sharding(index=big))), CELLS)


def test_8_6_an_index_of_varying_length_is_refused() -> None:
    with pytest.raises(MetadataValidationError, match="index_codecs"):
        cells_of(v3(CELLS, codecs=sharding(index=[LITTLE, {"name": "gzip", "configuration": {"level": 1}}])))


def test_8_6_the_chunks_of_a_turned_shard_are_counted_after_the_turn() -> None:
    cells = np.arange(24, dtype="i4").reshape(4, 6)
    store: dict[str, bytes] = {}
    array = zarrite.create_array(
        store,
        shape=(4, 6),
        chunks=(4, 6),
        dtype="i4",
        filters=[codecs.TransposeCodec([1, 0])],
        serializer=codecs.ShardingCodec((3, 4), [codecs.BytesCodec()]),
        compressors=None,
    )
    array[...] = cells
    np.testing.assert_array_equal(cells_of(store), cells)
    assert store["c/0/0"][:48] == cells.T[:3, :4].tobytes()
    with pytest.raises(MetadataValidationError, match="multiple"):
        zarrite.create_array(
            {},
            shape=(4, 6),
            chunks=(4, 6),
            dtype="i4",
            filters=[codecs.TransposeCodec([1, 0])],
            serializer=codecs.ShardingCodec((4, 6), [codecs.BytesCodec()]),
            compressors=None,
        )


def test_8_6_a_shard_that_two_writers_left_is_refused_by_its_checksum() -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(4, 4), chunks=(2, 2), shards=(4, 4), dtype="i4", compressors=None)
    array[...] = CELLS
    raw = bytearray(store["c/0/0"])
    raw[-30] ^= 1
    with pytest.raises(ChunkDecodeError, match="c/0/0"):
        cells_of({**store, "c/0/0": bytes(raw)})


def test_8_6_a_write_of_some_chunks_keeps_the_others() -> None:
    raw = shard(words_of(), b"".join(PARTS))
    store = v3(CELLS, raw, codecs=sharding())
    zarrite.open_array(store, mode="r+")[:2, :2] = -1
    want = CELLS.copy()
    want[:2, :2] = -1
    np.testing.assert_array_equal(cells_of(store), want)


def test_8_6_two_entries_may_share_their_bytes() -> None:
    words = words_of()
    words[2:4] = words[0:2]
    found = cells_of(v3(CELLS, shard(words, b"".join(PARTS)), codecs=sharding()))
    np.testing.assert_array_equal(found[:2, 2:], CELLS[:2, :2])


def test_8_6_chunks_of_no_length_are_refused() -> None:
    with pytest.raises(MetadataValidationError, match="chunk_shape"):
        cells_of(v3(CELLS, codecs=sharding(chunk_shape=[0, 2])))


class Whole:
    """A store that gives whole objects whatever range is asked for, as some servers do."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        del start, stop
        return self.objects.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.objects[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


def test_8_6_a_store_that_ignores_ranges_gives_an_error_or_the_right_cells_and_never_others() -> None:
    store = Whole(v3(CELLS, shard(words_of(), b"".join(PARTS)), codecs=sharding()))
    try:
        found = zarrite.open_array(store, mode="r")[...]
    except (ZarriteError, OSError):
        return
    np.testing.assert_array_equal(found, CELLS)
