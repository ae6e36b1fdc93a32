"""Every codec that can be declared, and the way to add one's own.

Example:
    >>> from zarrite.codecs import BloscCodec
    >>> BloscCodec(cname="lz4").to_dict()
    {'name': 'blosc', 'configuration': {'cname': 'lz4', 'clevel': 5, 'blocksize': 0}}
"""

from .model.casting import CastValue, ScaleOffset
from .model.chain import PythonCodec, register_codec
from .model.checksums import CRC32, Adler32, Crc32cCodec, Fletcher32, JenkinsLookup3
from .model.codecs import BytesCodec, Codec, TransposeCodec, VLenBytesCodec, VLenUTF8Codec
from .model.compressors import BZ2, LZ4, LZMA, BloscCodec, GzipCodec, Shuffle, Zlib, ZstdCodec
from .model.filters import AsType, BitRound, Delta, FixedScaleOffset, PackBits, Quantize
from .model.n5 import N5Default
from .model.packing import PackBitsCodec
from .model.sharding import ShardingCodec

__all__ = [
    "BZ2",
    "CRC32",
    "LZ4",
    "LZMA",
    "Adler32",
    "AsType",
    "BitRound",
    "BloscCodec",
    "BytesCodec",
    "CastValue",
    "Codec",
    "Crc32cCodec",
    "Delta",
    "FixedScaleOffset",
    "Fletcher32",
    "GzipCodec",
    "JenkinsLookup3",
    "N5Default",
    "PackBits",
    "PackBitsCodec",
    "PythonCodec",
    "Quantize",
    "ScaleOffset",
    "ShardingCodec",
    "Shuffle",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "Zlib",
    "ZstdCodec",
    "register_codec",
]
