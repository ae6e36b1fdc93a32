"""Compressed streams as other programs shape them: in parts, padded, without a size, with settings not quite true."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import struct
import zlib
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import ChunkDecodeError

CELLS = (np.arange(1000) % 77).astype("<u2")
PLAIN = CELLS.tobytes()


def holding(stored: bytes, *chain: Any, cells: Any = CELLS, **settings: Any) -> zarrite.Array:
    """An array whose one chunk is these bytes."""
    array = zarrite.create_array(
        None, shape=cells.shape, chunks=cells.shape, dtype=cells.dtype, compressors=list(chain), **settings
    )
    array.store.put("c/0", stored).result()
    return array


def zstd_frame(data: bytes, sized: bool, parts: int = 1) -> bytes:
    """A frame of blocks that are kept as they are; its header tells the size or not."""
    header = b"\x60" + struct.pack("<H", len(data) - 256) if sized else b"\x00\x58"
    cuts = [len(data) * at // parts for at in range(parts + 1)]
    blocks = b""
    for at, (start, end) in enumerate(itertools.pairwise(cuts)):
        blocks += struct.pack("<I", (end - start) << 3 | (at == parts - 1))[:3] + data[start:end]
    return b"\x28\xb5\x2f\xfd" + header + blocks


SKIPPED = struct.pack("<II", 0x184D2A53, 5) + b"notes"
ZSTD = {
    "one frame that tells its size": zstd_frame(PLAIN, sized=True),
    "a streamed frame without its size": zstd_frame(PLAIN, sized=False),
    "a streamed frame of many blocks": zstd_frame(PLAIN, sized=False, parts=9),
    "several frames": zstd_frame(PLAIN[:900], sized=True) + zstd_frame(PLAIN[900:], sized=True),
    "several frames, one without its size": zstd_frame(PLAIN[:900], sized=False) + zstd_frame(PLAIN[900:], sized=True),
    "a skippable frame first": SKIPPED + zstd_frame(PLAIN, sized=False),
    "skippable frames between and last": zstd_frame(PLAIN[:901], sized=True)
    + SKIPPED * 2
    + zstd_frame(PLAIN[901:], sized=False)
    + SKIPPED,
}


@pytest.mark.parametrize("name", ZSTD)
def test_zstd_is_read_however_its_frames_lie(name: str) -> None:
    for chain in ((codecs.ZstdCodec(),), (codecs.Zlib(), codecs.ZstdCodec())):
        array = holding(ZSTD[name], codecs.ZstdCodec())
        if len(chain) == 2:  # what comes out has no size that is known beforehand
            packed = zlib.compress(PLAIN, 0)
            array = holding(zstd_frame(packed, sized=False, parts=3) + SKIPPED, *chain)
        np.testing.assert_array_equal(array[...], CELLS)
        np.testing.assert_array_equal(array[10:20], CELLS[10:20])


@pytest.mark.parametrize("name", ZSTD)
def test_zstd_that_is_cut_short_or_too_long_is_refused(name: str) -> None:
    whole = ZSTD[name]
    for wrong in (whole[: len(whole) - len(SKIPPED) - 3], whole + zstd_frame(bytes(300), sized=False), SKIPPED, b""):
        with pytest.raises(ChunkDecodeError):
            holding(wrong, codecs.ZstdCodec())[...]


def gzip_parts(*sizes: int) -> bytes:
    cuts = np.cumsum((0, *sizes, len(PLAIN) - sum(sizes)))
    return b"".join(gzip.compress(PLAIN[a:b], mtime=0) for a, b in itertools.pairwise(cuts))


@pytest.mark.parametrize("padding", [b"", bytes(1), bytes(512), b"\xff" * 8, b"trailing"])
@pytest.mark.parametrize("sizes", [(), (700,), (0, 1, 1500), (2000,)])
def test_gzip_of_many_members_is_read_and_padding_after_it_ignored(sizes: tuple[int, ...], padding: bytes) -> None:
    array = holding(gzip_parts(*sizes) + padding, codecs.GzipCodec())
    np.testing.assert_array_equal(array[...], CELLS)


def test_gzip_with_a_name_a_comment_and_a_checksum_of_its_header_is_read() -> None:
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = raw.compress(PLAIN) + raw.flush()
    header = b"\x1f\x8b\x08\x1e\x00\x00\x00\x00\x02\x03" + b"\x04\x00more" + b"name\x00" + b"comment\x00"
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    stored = header + body + struct.pack("<II", zlib.crc32(PLAIN), len(PLAIN))
    np.testing.assert_array_equal(holding(stored, codecs.GzipCodec())[...], CELLS)


def test_gzip_members_that_hold_too_much_or_a_wrong_sum_are_refused() -> None:
    stored = gzip_parts(700)
    broken = bytearray(stored)
    broken[-6] ^= 1
    for wrong in (stored + gzip.compress(b"x"), bytes(broken), stored[:-9], gzip_parts(700)[20:]):
        with pytest.raises(ChunkDecodeError, match="gzip"):
            holding(wrong, codecs.GzipCodec())[...]


@pytest.mark.parametrize("shuffle", [0, 1, 2])
@pytest.mark.parametrize("following", [b"", bytes(16), bytes(100), b"\xff" * 3])
def test_blosc_frames_are_read_with_bytes_after_them(shuffle: int, following: bytes) -> None:
    frame = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=shuffle).encode(CELLS)
    array = holding(bytes(frame) + following, codecs.BloscCodec())
    np.testing.assert_array_equal(array[...], CELLS)
    np.testing.assert_array_equal(array[500:600:7], CELLS[500:600:7])


@pytest.mark.parametrize("typesize", [1, 2, 4, 7, 8])
def test_blosc_frames_are_read_by_their_own_type_size_and_not_the_documents(typesize: int) -> None:
    for width in ("<u1", "<u2", "<u4"):
        frame = numcodecs.Blosc(cname="zstd", clevel=3, shuffle=1).encode(CELLS.view(width))
        array = holding(bytes(frame), codecs.BloscCodec(typesize=typesize, shuffle="shuffle", cname="lz4"))
        np.testing.assert_array_equal(array[...], CELLS)


def test_every_frame_that_blosc_made_since_2014_decodes_to_the_same_bytes(data: Path) -> None:
    frames = sorted((data / "codecs" / "c-blosc-compat").glob("*.cdata"))
    assert len(frames) == 18
    wanted = "02e21fa3c89fa7d7b61826918a8bd35d3127827b4ef3f3ee47ade5e64e3c2a80"
    room = np.empty(4_000_000, "u1")
    for frame in frames:
        cells = holding(frame.read_bytes(), codecs.BloscCodec(), cells=room)[...]
        assert hashlib.sha256(cells.tobytes()).hexdigest() == wanted, frame.name
