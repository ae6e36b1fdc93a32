"""`zarr.codecs`: zarrite's codecs by zarr-python's names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
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
from zarrite.errors import ZarrDeprecationWarning

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


class _Words(type):
    """Words as attributes of a class, which is how they were written before text was taken."""

    words: tuple[str, ...] = ()

    def __getattr__(cls, name: str) -> str:
        if name not in cls.words:
            raise AttributeError(f"{cls.__name__} has no member {name!r}; its members: {', '.join(cls.words)}")
        warnings.warn(
            f"{cls.__name__}.{name} is deprecated in zarr-python; write {name!r}", ZarrDeprecationWarning, stacklevel=2
        )
        return name

    def __call__(cls, word: str) -> str:
        if word not in cls.words:
            raise ValueError(f"{word!r} is no member of {cls.__name__}; its members: {', '.join(cls.words)}")
        return word

    def __iter__(cls) -> Iterator[str]:
        return iter(cls.words)


class BloscCname(metaclass=_Words):
    """Compressors of Blosc."""

    words = ("lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib")


class BloscShuffle(metaclass=_Words):
    """Filters of Blosc."""

    words = ("noshuffle", "shuffle", "bitshuffle")


class Endian(metaclass=_Words):
    """Orders of bytes."""

    words = ("little", "big")


class ShardingCodecIndexLocation(metaclass=_Words):
    """Where a shard's index is."""

    words = ("start", "end")


def __getattr__(name: str) -> Any:
    if name == "numcodecs":
        from zarrite.as_zarr import numcodec

        return numcodec
    raise AttributeError(f"module 'zarr.codecs' has no attribute {name!r}")
