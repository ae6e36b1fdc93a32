"""Indexes of shards that lie: outside, overlapping, half empty, of early writers."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import ChunkDecodeError
from zarrite.storage import MemoryStore

ABSENT = 2**64 - 1


class Shard:
    """One shard of four plain chunks of four cells, without a checksum, the index where it is wanted."""

    def __init__(self, location: str = "end") -> None:
        sharding = codecs.ShardingCodec((4,), [codecs.BytesCodec()], [codecs.BytesCodec()], location)
        self.array = zarrite.create_array(
            MemoryStore(), name="a", shape=(16,), chunks=(16,), serializer=sharding, compressors=[], dtype="i4"
        )
        self.array[...] = np.arange(16)
        self.at_end = location == "end"

    def words(self) -> list[int]:
        """The index: an offset and a length for each chunk."""
        raw = self.array.store.get("a/c/0").result()
        return list(struct.unpack("<8Q", raw[-64:] if self.at_end else raw[:64]))

    def set(self, at: int, value: int) -> None:
        """Changes one word of the index."""
        raw = self.array.store.get("a/c/0").result()
        place = (len(raw) - 64 if self.at_end else 0) + 8 * at
        self.array.store.put("a/c/0", raw[:place] + struct.pack("<Q", value) + raw[place + 8 :]).result()

    def refused(self, selection: Any = ...) -> str:
        """What a read says, which must be refused."""
        with pytest.raises(ChunkDecodeError) as caught:
            self.array[selection]
        assert (caught.value.array, caught.value.key) == ("a", "a/c/0")
        return str(caught.value)


@pytest.fixture(params=["end", "start"])
def shard(request: pytest.FixtureRequest) -> Shard:
    return Shard(request.param)


def test_the_index_lies_where_it_should(shard: Shard) -> None:
    first = 0 if shard.at_end else 64
    assert shard.words() == [word for at in range(4) for word in (first + 16 * at, 16)]


@pytest.mark.parametrize("value", [1000, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, ABSENT - 16, ABSENT - 1])
@pytest.mark.parametrize("word", [2, 3])
def test_an_index_that_points_outside_is_refused(shard: Shard, word: int, value: int) -> None:
    shard.set(word, value)
    assert "index" in shard.refused(slice(4, 8))
    assert "index" in shard.refused()
    np.testing.assert_array_equal(shard.array[8:], np.arange(8, 16))


@pytest.mark.parametrize("length", [0, 1, 15, 17, 32])
def test_a_chunk_of_another_length_is_refused(shard: Shard, length: int) -> None:
    shard.set(1, length)
    assert "16 bytes" in shard.refused(slice(0, 4))


def test_a_length_that_says_absent_means_the_fill_value_whatever_the_offset(shard: Shard) -> None:
    # Early writers added the size of an index at the start to the marker.
    shard.set(3, ABSENT)
    np.testing.assert_array_equal(shard.array[...], [0, 1, 2, 3, 0, 0, 0, 0, 8, 9, 10, 11, 12, 13, 14, 15])


def test_chunks_that_share_bytes_are_read_and_rewritten_apart(shard: Shard) -> None:
    words = shard.words()
    shard.set(2, words[0])
    np.testing.assert_array_equal(shard.array[:8], [0, 1, 2, 3, 0, 1, 2, 3])
    shard.array[0:4] = 9
    np.testing.assert_array_equal(shard.array[:8], [9, 9, 9, 9, 0, 1, 2, 3])


def test_a_write_beside_a_lying_entry_is_refused_and_changes_nothing(shard: Shard) -> None:
    shard.set(2, 1000)
    before = shard.array.store.get("a/c/0").result()
    with pytest.raises(ChunkDecodeError, match="index"):
        shard.array[0:4] = 5
    assert shard.array.store.get("a/c/0").result() == before
    shard.array[...] = 5
    assert (shard.array[...] == 5).all()


def test_a_shard_shorter_than_its_index_is_refused(shard: Shard) -> None:
    for length in (0, 1, 63):
        shard.array.store.put("a/c/0", b"\0" * length).result()
        shard.refused()


def test_a_shard_of_nothing_but_an_empty_index_is_fill_values(shard: Shard) -> None:
    shard.array.store.put("a/c/0", b"\xff" * 64).result()
    assert (shard.array[...] == 0).all()
    shard.array[5] = 3
    assert shard.array[...].tolist() == [0] * 5 + [3] + [0] * 10


def test_bytes_between_chunks_are_nobodys() -> None:
    shard = Shard()
    raw = shard.array.store.get("a/c/0").result()
    body, words = raw[:64], list(struct.unpack("<8Q", raw[64:]))
    moved = [word + 100 if at % 2 == 0 else word for at, word in enumerate(words)]
    shard.array.store.put("a/c/0", b"x" * 100 + body + b"y" * 50 + struct.pack("<8Q", *moved)).result()
    np.testing.assert_array_equal(shard.array[...], np.arange(16))
    shard.array[3] = 33
    np.testing.assert_array_equal(shard.array[:5], [0, 1, 2, 33, 4])


def test_chunks_in_any_order_in_a_shard_are_found() -> None:
    shard = Shard()
    raw = shard.array.store.get("a/c/0").result()
    words = list(struct.unpack("<8Q", raw[64:]))
    mixed = raw[48:64] + raw[0:16] + raw[32:48] + raw[16:32]
    words[0], words[2], words[4], words[6] = 16, 48, 32, 0
    shard.array.store.put("a/c/0", mixed + struct.pack("<8Q", *words)).result()
    np.testing.assert_array_equal(shard.array[...], np.arange(16))
