"""Every codec that can be declared, and the way to add one's own.

Example:
    >>> from zarrite.codecs import BloscCodec
    >>> BloscCodec(cname="lz4").to_dict()
    {'name': 'blosc', 'configuration': {'cname': 'lz4', 'clevel': 5, 'blocksize': 0}}
"""

from typing import TYPE_CHECKING

from .model.casting import CastValue, ScaleOffset
from .model.chain import PythonCodec, register_codec
from .model.checksums import CRC32, Adler32, Crc32cCodec, Fletcher32, JenkinsLookup3
from .model.codecs import BytesCodec, Codec, TransposeCodec, VLenBytesCodec, VLenUTF8Codec
from .model.compressors import BZ2, LZ4, LZMA, BloscCodec, GzipCodec, Shuffle, Zlib, ZstdCodec
from .model.filters import AsType, BitRound, Delta, FixedScaleOffset, PackBits, Quantize
from .model.images import ImageCodec
from .model.labels import Categorize, VLenArray
from .model.n5 import N5Default
from .model.nesting import ConditionalCodec, VLenCodec, VLenV2Codec
from .model.nullable import OptionalCodec
from .model.numeric import ZFPY, PCodec, ZfpCodec
from .model.object_codecs import Json2, MsgPack2, Pickle
from .model.packing import PackBitsCodec
from .model.reshaping import ReshapeCodec, SqueezeCodec
from .model.sharding import ShardingCodec

__all__ = [
    "BZ2",
    "CRC32",
    "LZ4",
    "LZMA",
    "ZFPY",
    "Adler32",
    "AsType",
    "BitRound",
    "BloscCodec",
    "BytesCodec",
    "CastValue",
    "Categorize",
    "Codec",
    "ConditionalCodec",
    "Crc32cCodec",
    "Delta",
    "FixedScaleOffset",
    "Fletcher32",
    "GzipCodec",
    "ImageCodec",
    "JenkinsLookup3",
    "Json2",
    "MsgPack2",
    "N5Default",
    "OptionalCodec",
    "PCodec",
    "PackBits",
    "PackBitsCodec",
    "Pickle",
    "PythonCodec",
    "Quantize",
    "ReshapeCodec",
    "ScaleOffset",
    "ShardingCodec",
    "Shuffle",
    "SqueezeCodec",
    "TransposeCodec",
    "VLenArray",
    "VLenBytesCodec",
    "VLenCodec",
    "VLenUTF8Codec",
    "VLenV2Codec",
    "ZfpCodec",
    "Zlib",
    "ZstdCodec",
    "register_codec",
]

if not TYPE_CHECKING:  # type checkers know every name without it

    def __getattr__(name: str) -> object:
        from .model.gone import no_attribute

        raise no_attribute(__name__, name)
