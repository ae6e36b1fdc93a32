"""`zarr.codecs.numcodecs`: codecs by the names that numcodecs gives them."""

from __future__ import annotations

from typing import Any, ClassVar

from zarrite import codecs
from zarrite.codecs import (
    BZ2,
    CRC32,
    LZ4,
    LZMA,
    ZFPY,
    Adler32,
    BitRound,
    BloscCodec as Blosc,
    Codec,
    Crc32cCodec as CRC32C,
    Fletcher32,
    GzipCodec as GZip,
    JenkinsLookup3,
    PackBits,
    PCodec,
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


class _Unsettled(Codec):
    """A codec that learns the type of its cells from the array it is given to."""

    __slots__ = ("made", "settings", "word")
    name = "numcodecs"
    kind = "array"

    def __init__(self, made: type[Codec], word: str, settings: dict[str, Any]) -> None:
        self.made, self.word, self.settings = made, word, tuple(settings.items())

    def settle(self, cells: Any) -> Codec:
        """The codec itself."""
        return self.made(**{self.word: cells.numpy, **dict(self.settings)}).settle(cells)


class _Typed:
    """Makes codecs; the type of the cells may be left out, and is then the array's."""

    made: ClassVar[type[Codec]]
    word: ClassVar[str] = "dtype"

    def __new__(cls, **settings: Any) -> Codec:  # type: ignore[misc]
        if cls.word in settings:
            return cls.made(**settings)
        return _Unsettled(cls.made, cls.word, settings)


class AsType(_Typed):
    """Cells kept in another type."""

    made, word = codecs.AsType, "decode_dtype"


class Delta(_Typed):
    """Differences of neighbours."""

    made = codecs.Delta


class FixedScaleOffset(_Typed):
    """`(cell - offset) * scale`, rounded."""

    made = codecs.FixedScaleOffset


class Quantize(_Typed):
    """Floats rounded to a number of decimal digits."""

    made = codecs.Quantize


_NumcodecsCodec = _NumcodecsBytesBytesCodec = _NumcodecsArrayArrayCodec = _NumcodecsArrayBytesCodec = Codec


def _is_numcodec(value: Any) -> bool:
    return _is_numcodec_cls(type(value))


def _is_numcodec_cls(kind: Any) -> bool:
    names = ("codec_id", "encode", "decode", "get_config", "from_config")
    return isinstance(kind, type) and all(hasattr(kind, name) for name in names)
