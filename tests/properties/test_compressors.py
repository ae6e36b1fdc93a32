"""What a compressor of ours makes its own library reads, and the other way round, for data of every size and kind."""

from __future__ import annotations

from typing import Any

import numcodecs
import numpy as np
from hypothesis import given, strategies as st

import zarrite
from properties.profile import share
from zarrite import codecs
from zarrite.storage import MemoryStore

NUMCODECS_CNAMES = ("lz4", "lz4hc", "blosclz", "zstd", "zlib")


@st.composite
def compressors(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """A codec of ours, and the configuration with which numcodecs makes the same."""
    kind = draw(st.sampled_from(("blosc",) * 6 + ("zstd", "gzip", "zlib", "bz2", "lz4", "lzma", "shuffle")))
    if kind == "blosc":
        cname = draw(st.sampled_from(NUMCODECS_CNAMES))
        level = draw(st.integers(0, 9))
        shuffle = draw(st.integers(0, 2))
        block = draw(st.sampled_from((0, 0, 1, 64, 255, 1000, 4096, 1 << 15, 1 << 18)))
        names = ("noshuffle", "shuffle", "bitshuffle")
        size = draw(st.sampled_from((1, 2, 3, 4, 7, 8, 16, 17, 32, 200)))
        ours = codecs.BloscCodec(size, cname, level, names[shuffle], block)
        return ours, {"id": kind, "cname": cname, "clevel": level, "shuffle": shuffle, "blocksize": block}
    if kind == "zstd":
        level, checksum = draw(st.integers(-5, 12)), draw(st.booleans())
        return codecs.ZstdCodec(level, checksum), {"id": kind, "level": level, "checksum": checksum}
    if kind in ("gzip", "zlib"):
        level = draw(st.integers(0, 9))
        return (codecs.GzipCodec if kind == "gzip" else codecs.Zlib)(level), {"id": kind, "level": level}
    if kind == "bz2":
        return codecs.BZ2(1), {"id": kind, "level": 1}
    if kind == "lz4":
        number = draw(st.integers(1, 20))
        return codecs.LZ4(number), {"id": kind, "acceleration": number}
    if kind == "lzma":
        return codecs.LZMA(preset=1), {"id": kind, "preset": 1}
    size = draw(st.integers(0, 20))
    return codecs.Shuffle(size), {"id": kind, "elementsize": size}


@st.composite
def data(draw: st.DrawFn) -> bytes:
    """Bytes: noise, nothing, ramps, floats, long matches, and mixtures of them."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**20)))
    length = draw(st.integers(1, 70) | st.integers(1, 5000) | st.integers(1, 400_000))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("noise", "zeros", "ramp", "floats", "few", "repeats")))
        if kind == "noise":
            parts.append(numbers.bytes(length))
        elif kind == "zeros":
            parts.append(bytes(length))
        elif kind == "ramp":
            parts.append(np.arange(length // 4 + 1, dtype="<i4").tobytes())
        elif kind == "floats":
            parts.append(np.cumsum(numbers.normal(size=length // 8 + 1)).tobytes())
        elif kind == "few":
            parts.append(numbers.integers(0, 3, length).astype("u1").tobytes())
        else:
            parts.append(numbers.bytes(int(numbers.integers(1, 300))) * (length // 20 + 1))
    return b"".join(part[: length // len(parts) + 1] for part in parts)[:length]


@share(0.06)
@given(compressors(), data())
def test_ours_and_the_library_read_each_other(pair: tuple[Any, dict[str, Any]], raw: bytes) -> None:
    ours, configuration = pair
    theirs = numcodecs.get_codec(configuration)
    raw += bytes(-len(raw) % max(1, configuration.get("elementsize", 1)))  # numcodecs shuffles whole elements only
    cells = np.frombuffer(raw, np.uint8)
    array = zarrite.create_array(
        MemoryStore(), shape=cells.shape, chunks=cells.shape, dtype="u1", compressors=ours, fill_value=0
    ).with_config({"write_empty_chunks": True})
    array[...] = cells
    stored = array.store.get("c/0").result()
    assert bytes(theirs.decode(stored)) == raw
    assert len(stored) <= len(raw) * 1.06 + 700
    other = cells[::-1].copy()
    array.store.put("c/0", bytes(theirs.encode(other))).result()
    assert array[...].tobytes() == other.tobytes()
    # Little of it, wherever it is.
    for at in (0, len(raw) // 3, len(raw) - 1):
        assert array[at] == other[at]
        assert array[at : at + 9].tobytes() == other[at : at + 9].tobytes()
