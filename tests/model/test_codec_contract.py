"""The codec contract, on every codec there is."""

from __future__ import annotations

from typing import Any

import pytest

from zarrite import codecs
from zarrite.model.chain import BUILT_IN
from zarrite.testing import CodecContract

COMPRESSORS = {
    "gzip": codecs.GzipCodec(level=1),
    "zstd": codecs.ZstdCodec(level=3, checksum=True),
    "crc32c": codecs.Crc32cCodec(),
    "crc32c in front": codecs.Crc32cCodec(location="start"),
    "crc32": codecs.CRC32(),
    "adler32": codecs.Adler32(),
    "fletcher32": codecs.Fletcher32(),
    "jenkins_lookup3": codecs.JenkinsLookup3(initval=7, prefix=b"abc"),
    "zlib": codecs.Zlib(),
    "bz2": codecs.BZ2(),
    "lz4": codecs.LZ4(),
    "lzma": codecs.LZMA(),
    "shuffle": codecs.Shuffle(elementsize=4),
    **{
        f"blosc {name}": codecs.BloscCodec(cname=name) for name in ("lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib")
    },
    **{f"blosc {how}": codecs.BloscCodec(shuffle=how) for how in ("noshuffle", "shuffle", "bitshuffle")},
    "conditional": codecs.ConditionalCodec([codecs.Shuffle(4), codecs.ZstdCodec(), codecs.Crc32cCodec()]),
}
WHOLE_NUMBERS = {
    "transpose": codecs.TransposeCodec(order=(0,)),
    "delta": codecs.Delta(dtype="<i4"),
    "fixedscaleoffset": codecs.FixedScaleOffset(offset=0, scale=1, dtype="<i4"),
    "astype": codecs.AsType(encode_dtype="<i8", decode_dtype="<i4"),
    "scale_offset": codecs.ScaleOffset(offset=3),
    "cast_value": codecs.CastValue("int64"),
    "registered packbits": codecs.PackBitsCodec(padding_encoding="last_byte"),
    "big-endian bytes": codecs.BytesCodec(endian="big"),
    "pcodec": codecs.PCodec(),
    "zfp": codecs.ZfpCodec("reversible"),
    "zfpy": codecs.ZFPY(mode=5),
    "reshape": codecs.ReshapeCodec([[0], 1]),
    "squeeze": codecs.SqueezeCodec(),
}
FLOATS = {
    "bitround": codecs.BitRound(keepbits=8),
    "quantize": codecs.Quantize(digits=2, dtype="<f4"),
    "zfp within a tolerance": codecs.ZfpCodec("fixed_accuracy", tolerance=0.1),
    "zfpy within a tolerance": codecs.ZFPY(mode=4, tolerance=0.1),
}
# Held to other tests: what a shard or a block of N5 is, and cells that are no numbers or may be missing.
ELSEWHERE = {
    "sharding_indexed",
    "vlen-utf8",
    "vlen-bytes",
    "n5_default",
    "zarrs.vlen",
    "zarrs.vlen_v2",
    "optional",
}


class TestCompressors(CodecContract):
    @pytest.fixture(params=COMPRESSORS)
    def codec(self, request: pytest.FixtureRequest) -> Any:
        return COMPRESSORS[request.param]


class TestWholeNumbers(CodecContract):
    @pytest.fixture(params=WHOLE_NUMBERS)
    def codec(self, request: pytest.FixtureRequest) -> Any:
        return WHOLE_NUMBERS[request.param]


class TestFloats(CodecContract):
    dtype = "float32"
    is_lossless = False

    @pytest.fixture(params=FLOATS)
    def codec(self, request: pytest.FixtureRequest) -> Any:
        return FLOATS[request.param]


class TestBooleans(CodecContract):
    dtype = "bool"

    @pytest.fixture
    def codec(self) -> Any:
        return codecs.PackBits()


def test_every_codec_is_held_to_the_contract() -> None:
    held = {one.id or one.name for table in (COMPRESSORS, WHOLE_NUMBERS, FLOATS) for one in table.values()} | {
        "packbits"
    }
    assert held | ELSEWHERE == {codec.id or codec.name for codec in BUILT_IN}
