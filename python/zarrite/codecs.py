"""Every codec that can be declared, and the way to add one's own.

Example:
    >>> from zarrite.codecs import BloscCodec
    >>> BloscCodec(cname="lz4").to_dict()
    {'name': 'blosc', 'configuration': {'cname': 'lz4', 'clevel': 5, 'blocksize': 0}}
"""

from .model.chain import PythonCodec, register_codec
from .model.codecs import (
    BytesCodec,
    Codec,
    Crc32cCodec,
    TransposeCodec,
    VLenBytesCodec,
    VLenUTF8Codec,
)
from .model.compressors import BZ2, LZ4, LZMA, BloscCodec, GzipCodec, Shuffle, Zlib, ZstdCodec
from .model.filters import AsType, BitRound, Delta, FixedScaleOffset, PackBits, Quantize
from .model.n5 import N5Default
from .model.sharding import ShardingCodec

__all__ = [
    "BZ2",
    "LZ4",
    "LZMA",
    "AsType",
    "BitRound",
    "BloscCodec",
    "BytesCodec",
    "Codec",
    "Crc32cCodec",
    "Delta",
    "FixedScaleOffset",
    "GzipCodec",
    "N5Default",
    "PackBits",
    "PythonCodec",
    "Quantize",
    "ShardingCodec",
    "Shuffle",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "Zlib",
    "ZstdCodec",
    "register_codec",
]
