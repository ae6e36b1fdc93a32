"""Little files that ask for much: refused before memory is touched."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import subprocess
import sys
import time
import zlib

import numcodecs
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, LimitError
from zarrite.storage import MemoryStore

ZEROS = bytes(64 << 20)
LITTLE = 400


def frame(claimed: int, stored: bytes) -> bytes:
    """A zstd frame that claims to hold some number of bytes."""
    return b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + struct.pack("<Q", claimed) + stored


BOMBS = {
    "gzip": (codecs.GzipCodec(1), gzip.compress(ZEROS)),
    "zlib": (codecs.Zlib(1), zlib.compress(ZEROS)),
    "bz2": (codecs.BZ2(1), bz2.compress(ZEROS)),
    "xz": (codecs.LZMA(), lzma.compress(ZEROS)),
    "zstd": (codecs.ZstdCodec(), bytes(numcodecs.Zstd(1).encode(ZEROS))),
    "zstd that claims 2**60 bytes": (codecs.ZstdCodec(), frame(2**60, b"\x01\x00\x00")),
    "zstd in many frames": (codecs.ZstdCodec(), bytes(numcodecs.Zstd(1).encode(bytes(LITTLE))) * 1000),
    "blosc": (codecs.BloscCodec(), bytes(numcodecs.Blosc("zstd").encode(ZEROS))),
    "blosc that claims 2**31 bytes": (
        codecs.BloscCodec(),
        b"\x02\x01\x11\x04" + struct.pack("<III", 2**31 - 1, 2**31 - 1, 100) + bytes(84),
    ),
    "lz4": (codecs.LZ4(), bytes(numcodecs.LZ4().encode(ZEROS))),
    "lz4 that claims 2**31 bytes": (codecs.LZ4(), struct.pack("<I", 2**31 - 1) + bytes(20)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_grow_beyond_its_chunk_is_refused_at_once(name: str) -> None:
    codec, bomb = BOMBS[name]
    array = zarrite.create_array(MemoryStore(), name="a", shape=(100,), chunks=(100,), dtype="i4", compressors=codec)
    array.store.put("a/c/0", bomb).result()
    start = time.perf_counter()
    with pytest.raises(ChunkDecodeError, match="a/c/0"):
        array[...]
    assert time.perf_counter() - start < 1
    array[...] = 5
    assert (array[...] == 5).all()


LIMITED = """
import resource, sys
import numpy as np, zarrite
from zarrite import codecs
from zarrite.errors import ZarriteError
from zarrite.storage import MemoryStore
{setup}
zarrite.create_array(None, shape=4, chunks=2, dtype="i4")[...] = 1  # threads start
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    {work}
except (MemoryError, ZarriteError) as error:
    print("refused:", type(error).__name__, error)
good = zarrite.create_array(None, shape=(10,), chunks=(5,), dtype="i4")
good[...] = 3
assert (good[...] == 3).all()
print("healthy")
"""


def limited(setup: str, work: str) -> str:
    """What a process with little memory says; it must live on."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(setup=setup, work=work)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"the process died ({done.returncode}): {done.stderr[-800:]}"
    assert "healthy" in done.stdout
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS")
@pytest.mark.parametrize("shards", ["None", "(2**31, 4)"])
@pytest.mark.parametrize(
    "work", ["array[0, 0] = 1", "array[0:5] = 2", "array.oindex[[0, 2], [1, 1]] = 2", "array[...] = 1"]
)
def test_a_chunk_larger_than_memory_ends_in_an_error_and_not_in_an_abort(work: str, shards: str) -> None:
    setup = (
        f'array = zarrite.create_array(MemoryStore(), name="a", shape=(6, 4), chunks=(2**31, 2), shards={shards}, '
        'dtype="i4")'
    )
    assert "refused: LimitError" in limited(setup, work)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS")
@pytest.mark.parametrize("compressors", ["None", "codecs.ZstdCodec()", "codecs.BloscCodec()", "codecs.GzipCodec()"])
def test_a_small_object_of_a_huge_chunk_ends_in_an_error_and_not_in_an_abort(compressors: str) -> None:
    setup = (
        'array = zarrite.create_array(MemoryStore(), name="a", shape=(6, 4), chunks=(2**31, 2), dtype="i4", '
        f"compressors={compressors}); "
        'array.store.put("a/c/0/0", b"x" * 100).result()'
    )
    assert "refused" in limited(setup, "array[0, 0]")
    assert "refused" in limited(setup, "array[...]")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS")
def test_a_shard_of_too_many_chunks_ends_in_an_error_and_not_in_an_abort() -> None:
    setup = (
        'array = zarrite.create_array(MemoryStore(), name="a", shape=(4,), chunks=(1,), shards=(2**28,), dtype="i1")'
    )
    assert "refused: LimitError" in limited(setup, "array[0] = 1")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS")
def test_text_behind_a_lying_frame_is_refused_without_the_memory_it_claims() -> None:
    lie = frame(2**31 - 1, b"\x01\x00\x00").hex()
    setup = (
        'array = zarrite.create_array(MemoryStore(), name="a", shape=(6,), chunks=(6,), dtype="string")\n'
        f'array.store.put("a/c/0", bytes.fromhex("{lie}")).result()\n'
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 3 << 30))"
    )
    assert "refused: ChunkDecodeError" in limited(setup, "array[...]")


def test_a_frame_that_lies_about_its_length_costs_no_time() -> None:
    array = zarrite.create_array(MemoryStore(), name="a", shape=(6,), chunks=(6,), dtype="string")
    array.store.put("a/c/0", frame(2**31 - 1, b"\x01\x00\x00")).result()
    start = time.perf_counter()
    with pytest.raises(ChunkDecodeError, match="a/c/0"):
        array[...]
    assert time.perf_counter() - start < 0.3


@pytest.mark.parametrize("shape", [(2**40,), (2**62, 2), (2**63 - 1,), (2**31, 2**31, 2**31)])
def test_a_result_larger_than_memory_is_refused_in_words(shape: tuple[int, ...]) -> None:
    array = zarrite.create_array(None, shape=shape, chunks=(10,) * len(shape), dtype="f8")
    with pytest.raises(MemoryError):
        array[...]
    with pytest.raises(MemoryError):
        array[::-1]
    assert array[(0,) * len(shape)] == 0
    array[tuple(length - 1 for length in shape)] = 4
    assert array[tuple(-1 for _ in shape)] == 4
    assert array[tuple(slice(-2, None) for _ in shape)].sum() == 4


def test_a_limit_error_is_a_memory_error() -> None:
    assert issubclass(LimitError, MemoryError)


def test_what_one_compressor_makes_for_another_is_bounded_by_the_chunk_too() -> None:
    settings = {"shape": (100,), "chunks": (100,), "dtype": "i4"}
    chain = [codecs.Zlib(1), codecs.GzipCodec(1)]
    array = zarrite.create_array(MemoryStore(), name="a", compressors=chain, **settings)
    array.store.put("a/c/0", gzip.compress(ZEROS)).result()
    with pytest.raises(ChunkDecodeError, match=r'codec "gzip".*more than [0-9]{7} bytes'):
        array[...]
    array[...] = 5
    assert (array[...] == 5).all()


def test_a_size_that_is_wrong_is_told_with_the_codec_that_met_it() -> None:
    settings = {"shape": (100,), "chunks": (100,), "dtype": "i4", "compressors": None}
    array = zarrite.create_array(MemoryStore(), name="a", filters=[codecs.AsType("<f8", "<i4")], **settings)
    array.store.put("a/c/0", bytes(80)).result()
    with pytest.raises(ChunkDecodeError, match=r'codec "astype".*400 bytes'):
        array[...]
