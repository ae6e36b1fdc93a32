"""`zarr.codecs.numcodecs`: codecs by the names that numcodecs gives them."""

from __future__ import annotations

from typing import Any

from zarrite.codecs import (
    BZ2,
    CRC32,
    LZ4,
    LZMA,
    ZFPY,
    Adler32,
    AsType,
    BitRound,
    BloscCodec as Blosc,
    Codec,
    Crc32cCodec as CRC32C,
    Delta,
    FixedScaleOffset,
    Fletcher32,
    GzipCodec as GZip,
    JenkinsLookup3,
    PackBits,
    PCodec,
    Quantize,
    Shuffle,
    Zlib,
    ZstdCodec as Zstd,
)

__all__ = [
    "BZ2",
    "CRC32",
    "CRC32C",
    "LZ4",
    "LZMA",
    "ZFPY",
    "Adler32",
    "AsType",
    "BitRound",
    "Blosc",
    "Delta",
    "FixedScaleOffset",
    "Fletcher32",
    "GZip",
    "JenkinsLookup3",
    "PCodec",
    "PackBits",
    "Quantize",
    "Shuffle",
    "Zlib",
    "Zstd",
]


_NumcodecsCodec = _NumcodecsBytesBytesCodec = _NumcodecsArrayArrayCodec = _NumcodecsArrayBytesCodec = Codec


def _is_numcodec(value: Any) -> bool:
    return _is_numcodec_cls(type(value))


def _is_numcodec_cls(kind: Any) -> bool:
    names = ("codec_id", "encode", "decode", "get_config", "from_config")
    return isinstance(kind, type) and all(hasattr(kind, name) for name in names)
