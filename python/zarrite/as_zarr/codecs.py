"""`zarr.codecs`: zarrite's codecs by zarr-python's names."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from zarrite.codecs import (
    BloscCodec,
    BytesCodec,
    CastValue,
    Crc32cCodec,
    GzipCodec,
    ScaleOffset,
    ShardingCodec,
    TransposeCodec,
    VLenBytesCodec,
    VLenUTF8Codec,
    ZstdCodec,
)

__all__ = [
    "BloscCname",
    "BloscCodec",
    "BloscShuffle",
    "BytesCodec",
    "CastValue",
    "Crc32cCodec",
    "Endian",
    "GzipCodec",
    "ScaleOffset",
    "ShardingCodec",
    "ShardingCodecIndexLocation",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "ZstdCodec",
]

SUBCHUNK_WRITE_ORDER = ("morton", "unordered", "lexicographic", "colexicographic")
INDEX_LOCATION = ("start", "end")
MAX_UINT_64 = 2**64 - 1
SubchunkWriteOrder = Literal["morton", "unordered", "lexicographic", "colexicographic"]
IndexLocation = Literal["start", "end"]
EndianLiteral = Literal["little", "big"]
BloscCnameLiteral = Literal["lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib"]
BloscShuffleLiteral = Literal["noshuffle", "shuffle", "bitshuffle"]


class BloscCname(StrEnum):
    """Compressors of Blosc; their names as text do the same."""

    lz4 = "lz4"
    lz4hc = "lz4hc"
    blosclz = "blosclz"
    zstd = "zstd"
    snappy = "snappy"
    zlib = "zlib"


class BloscShuffle(StrEnum):
    """Filters of Blosc; their names as text do the same."""

    noshuffle = "noshuffle"
    shuffle = "shuffle"
    bitshuffle = "bitshuffle"


class Endian(StrEnum):
    """Orders of bytes; their names as text do the same."""

    little = "little"
    big = "big"


class ShardingCodecIndexLocation(StrEnum):
    """Where a shard's index is; the names as text do the same."""

    start = "start"
    end = "end"


def __getattr__(name: str) -> Any:
    if name == "numcodecs":
        from zarrite.as_zarr import numcodec

        return numcodec
    raise AttributeError(f"module 'zarr.codecs' has no attribute {name!r}")
