"""Stored objects gone bad in thousands of ways: an error with the place, or wrong cells where no checksum says so."""

from __future__ import annotations

import os
import random
import time
from typing import Any

import numpy as np
import pytest

from hazards.damage import CHAINS, CHECKED, PATH, SHAPE, Victim, damaged, victim
from zarrite.errors import ChunkDecodeError

TIMES = int(os.environ.get("ZARRITE_DAMAGES", "120"))


@pytest.fixture(scope="module")
def others() -> list[bytes]:
    """Objects of other codecs."""
    return [victim(name).stored for name in CHAINS]


def attempt(hurt: Victim, work: Any, raw: bytes) -> Any:
    """The result of some work on the damaged object, or None where it was refused rightly."""
    start = time.perf_counter()
    try:
        return work()
    except ChunkDecodeError as error:
        assert error.array == PATH
        assert error.key == hurt.key
        text = str(error)
        assert hurt.key in text
        assert PATH in text
        assert "rewrite it or delete it" in text
        assert "panic" not in text
        assert "defect" not in text
        assert hurt.kept() == raw, "a request that fails changes nothing"
        return None
    finally:
        assert time.perf_counter() - start < 5, "a damaged object of a few kilobytes is refused at once"


@pytest.mark.parametrize("name", CHAINS)
def test_a_damaged_object_is_refused_or_read_never_worse(name: str, others: list[bytes]) -> None:
    hurt = victim(name)
    array, cells = hurt.array, hurt.cells
    numbers = random.Random(name)
    refused = 0
    for _ in range(TIMES):
        raw = damaged(hurt.stored, numbers, others)
        if raw == hurt.stored:
            continue
        hurt.keep(raw)
        whole = attempt(hurt, lambda: array[...], raw)
        refused += whole is None
        if whole is not None:
            assert whole.shape == SHAPE
            if name in CHECKED:
                assert whole.tobytes() == cells.tobytes(), "a checksum let damage pass"
        attempt(hurt, lambda: array[0:3, 4], raw)
        attempt(hurt, lambda: array.vindex[[0, 9, 3], [1, 9, 0]], raw)
        attempt(hurt, lambda: array.write((1, 1), cells[1, 1]), raw)
    assert refused > TIMES / 5
    # Whatever happened: a whole write makes it good again.
    array[...] = cells
    assert hurt.kept() == hurt.stored
    np.testing.assert_array_equal(array[...], cells)


@pytest.mark.parametrize("name", CHAINS)
def test_an_object_cut_anywhere_is_refused(name: str) -> None:
    hurt = victim(name)
    length = len(hurt.stored)
    plain = name in ("plain shards", "shards without checksum", "shards in shards", "shards of text")
    for cut in sorted({0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 19, 20, length // 2, length - 5, length - 4, length - 1}):
        raw = hurt.stored[: max(0, min(cut, length - 1))]
        hurt.keep(raw)
        got = attempt(hurt, lambda: hurt.array[...], raw)
        # What is cut off the end of a shard moves its index; without a checksum any bytes are an index. Raw LZMA ends
        # in a byte that says nothing.
        assert got is None or plain or (name == "raw lzma" and cut == length - 1), (
            f"{len(raw)} of {length} bytes were read as a chunk"
        )


@pytest.mark.parametrize("name", ["none", "zstd", "gzip", "blosc lz4 shuffle", "shards", "crc32c", "text", "lz4"])
def test_an_empty_object_is_damaged_and_not_missing(name: str) -> None:
    hurt = victim(name)
    hurt.keep(b"")
    assert attempt(hurt, lambda: hurt.array[...], b"") is None


@pytest.mark.parametrize("name", ["none", "zlib", "zstd", "lz4", "blosc zstd shuffle", "crc32c", "text", "packbits"])
def test_an_object_of_another_codec_is_refused(name: str, others: list[bytes]) -> None:
    hurt = victim(name)
    refused = 0
    for raw in others:
        if raw == hurt.stored:
            continue
        hurt.keep(raw)
        refused += attempt(hurt, lambda: hurt.array[0, 0], raw) is None
    # Objects of the same codec are the ones that may be read.
    assert refused >= len(others) // 2


def test_a_checksum_that_fails_says_so() -> None:
    for name in ("crc32c", "crc32c at the start", "shards"):
        hurt = victim(name)
        raw = bytearray(hurt.stored)
        raw[-20 if name == "shards" else len(raw) // 2] ^= 1
        hurt.keep(bytes(raw))
        with pytest.raises(ChunkDecodeError, match="checksum"):
            hurt.array[...]


def test_a_damaged_chunk_does_not_hide_the_others() -> None:
    hurt = victim("crc32c")
    hurt.keep(b"nonsense")
    np.testing.assert_array_equal(hurt.array[10:], hurt.cells[10:])
    hurt.array[20:30] = 7
    assert (hurt.array[20:30] == 7).all()
    hurt.array.store.delete([hurt.key]).result()
    assert (hurt.array[:10, :10] == 0).all()
