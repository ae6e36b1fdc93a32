"""Codecs: their names and parameters, the forms they may be given in, and what the engine is told."""

from __future__ import annotations

import copy
import json
import lzma
import pickle
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.dtype import parse_dtype
from zarrite.errors import MetadataValidationError, UnknownCodecError
from zarrite.model.chain import BUILT_IN, COMPOSED, IDS, codec_from_json, codec_from_numcodecs, codec_from_user
from zarrite.model.node import ArrayModel

SAMPLES: list[codecs.Codec] = [
    codecs.BytesCodec(),
    codecs.BytesCodec("big"),
    codecs.BytesCodec(None),
    codecs.TransposeCodec((2, 0, 1)),
    codecs.ShardingCodec((2, 2)),
    codecs.ShardingCodec((2,), [codecs.BytesCodec(None), codecs.GzipCodec()], [codecs.BytesCodec()], "start"),
    codecs.VLenUTF8Codec(),
    codecs.VLenBytesCodec(),
    codecs.Crc32cCodec(),
    codecs.Crc32cCodec("start"),
    codecs.Adler32(),
    codecs.CRC32("end"),
    codecs.Fletcher32(),
    codecs.JenkinsLookup3(5, b"HDF"),
    codecs.GzipCodec(9),
    codecs.ZstdCodec(-7, True),
    codecs.BloscCodec(4, "lz4", 3, "bitshuffle", 1024),
    codecs.Zlib(2),
    codecs.BZ2(3),
    codecs.LZ4(4),
    codecs.LZMA(),
    codecs.LZMA(3, 0, None, [{"id": 33, "preset": 3}]),
    codecs.Shuffle(8),
    codecs.Delta("<i4", "<i2"),
    codecs.FixedScaleOffset(10, 0.5, "<f8", "|u1"),
    codecs.Quantize(3, "<f4", ">f8"),
    codecs.AsType("<f4", "<f8"),
    codecs.BitRound(7),
    codecs.PackBits(),
    codecs.PackBitsCodec("first_byte", 1, 5),
    codecs.CastValue("uint8", "towards-zero", "wrap", {"encode": [["NaN", 0]]}),
    codecs.ScaleOffset(-10, 0.1),
    codecs.ScaleOffset(),
]


@pytest.mark.parametrize("codec", SAMPLES, ids=lambda codec: codec.name)
def test_a_codec_is_what_its_document_says(codec: codecs.Codec) -> None:
    document = json.loads(json.dumps(codec.to_json()))
    assert codec_from_json(document) == codec
    assert codec_from_user(codec.to_dict()) == codec
    assert "must_understand" not in document
    if codec.id is not None and not isinstance(codec, codecs.BloscCodec):
        assert codec_from_numcodecs(json.loads(json.dumps(codec.get_config()))) == codec


@pytest.mark.parametrize("codec", SAMPLES, ids=lambda codec: codec.name)
def test_a_codec_is_a_value(codec: codecs.Codec) -> None:
    again = pickle.loads(pickle.dumps(codec))
    assert again == codec
    assert hash(again) == hash(codec)
    assert copy.deepcopy(codec) is codec
    assert type(codec).__name__ in repr(codec)
    assert [one for one in SAMPLES if one == codec] == [codec]
    for name in codec.fields:
        with pytest.raises(AttributeError, match="cannot"):
            setattr(codec, name, getattr(codec, name))
        with pytest.raises(AttributeError, match="cannot"):
            delattr(codec, name)


def test_each_name_is_listed_once() -> None:
    assert len({codec.name for codec in BUILT_IN}) == len(BUILT_IN)
    assert set(IDS) == {codec.id for codec in (*BUILT_IN, *COMPOSED) if codec.id}


@pytest.mark.parametrize(
    "make",
    [
        lambda: codecs.GzipCodec(10),
        lambda: codecs.GzipCodec(True),
        lambda: codecs.GzipCodec("5"),  # type: ignore[arg-type]
        lambda: codecs.BZ2(0),
        lambda: codecs.ZstdCodec(23),
        lambda: codecs.ZstdCodec(1, 0),  # type: ignore[arg-type]
        lambda: codecs.BloscCodec(cname="lzo"),
        lambda: codecs.BloscCodec(clevel=10),
        lambda: codecs.BloscCodec(shuffle="maybe"),
        lambda: codecs.BloscCodec(typesize=0),
        lambda: codecs.TransposeCodec((1, 1)),
        lambda: codecs.TransposeCodec((0, 2)),
        lambda: codecs.TransposeCodec(3),  # type: ignore[arg-type]
        lambda: codecs.ShardingCodec((0,)),
        lambda: codecs.ShardingCodec((2,), index_location="middle"),
        lambda: codecs.ShardingCodec((2,), ["bytes"]),
        lambda: codecs.BytesCodec("middle"),
        lambda: codecs.Crc32cCodec("top"),
        lambda: codecs.Delta("<U4"),
        lambda: codecs.Delta(None),
        lambda: codecs.Delta("\ud800"),
        lambda: codecs.FixedScaleOffset(float("nan"), 1, "<f4"),
        lambda: codecs.FixedScaleOffset(0, "1", "<f4"),  # type: ignore[arg-type]
        lambda: codecs.FixedScaleOffset(10**400, 1, "<f4"),
        lambda: codecs.Quantize(2, "<i4"),
        lambda: codecs.LZMA(3),
        lambda: codecs.LZMA(filters=[3]),  # type: ignore[list-item]
        lambda: codecs.LZMA(filters=[{"id": "x"}]),  # type: ignore[dict-item]
        lambda: codecs.Shuffle(-1),
    ],
)
def test_parameters_outside_their_range_are_refused(make: Any) -> None:
    with pytest.raises(MetadataValidationError, match=r"codec '[\w.]+'|sharding_indexed|codecs of"):
        make()


def test_documents_that_lack_a_parameter_name_it() -> None:
    with pytest.raises(MetadataValidationError, match="needs the parameters keepbits"):
        codec_from_json({"name": "bitround"})
    with pytest.raises(MetadataValidationError, match="order of codec 'transpose'"):
        codec_from_json("transpose")
    with pytest.raises(MetadataValidationError, match="chunk_shape"):
        codec_from_json("sharding_indexed")


def test_a_user_may_give_a_codec_in_any_form() -> None:
    zstd = codecs.ZstdCodec(3)
    forms = [zstd, {"name": "zstd", "configuration": {"level": 3}}, {"id": "zstd", "level": 3}, Foreign(), Enumerated()]
    assert [codec_from_user(form) for form in forms] == [zstd] * 5
    assert codec_from_user("gzip") == codecs.GzipCodec()
    assert codec_from_user("zlib") == codecs.Zlib()
    assert codec_from_user("numcodecs.zlib") == codecs.Zlib()
    assert codec_from_user("numcodecs.zstd") == codecs.ZstdCodec()
    inner = ({"name": "bytes", "configuration": {"endian": "little"}},)
    sharded = {
        "chunk_shape": (2, 2),
        "codecs": inner,
        "index_codecs": (*inner, {"name": "crc32c"}),
    }  # tuples, as others say it
    assert codec_from_user({"name": "sharding_indexed", "configuration": sharded}) == codecs.ShardingCodec(
        (2, 2), [codecs.BytesCodec()], [codecs.BytesCodec(), codecs.Crc32cCodec()]
    )
    for bad in (3, None, b"zstd", codecs.ZstdCodec, object()):
        with pytest.raises(MetadataValidationError, match="a codec must be"):
            codec_from_user(bad)
    with pytest.raises(UnknownCodecError, match="'nothing'"):
        codec_from_user("nothing")


class Foreign:
    """A codec of numcodecs, as far as anyone looks at it."""

    def get_config(self) -> dict[str, Any]:
        return {"id": "zstd", "level": 3, "checksum": False}


class Enumerated:
    """A codec of zarr-python, which once put enumerations into its configuration."""

    class Level:
        value = 3

    def to_dict(self) -> dict[str, Any]:
        return {"name": "zstd", "configuration": {"level": self.Level()}}


def test_codecs_of_the_peers_are_taken_as_they_are() -> None:
    numcodecs = pytest.importorskip("numcodecs")
    made = ArrayModel.create(
        shape=(8,),
        dtype="<i4",
        filters=[numcodecs.Delta("<i4"), numcodecs.Shuffle(4)],
        compressors=numcodecs.Blosc("lz4", 3, shuffle=-1),
        zarr_format=2,
    )
    assert made.filters == (codecs.Delta("<i4"), codecs.Shuffle(4))
    assert made.compressors == (codecs.BloscCodec(1, "lz4", 3, "bitshuffle"),)
    zarr = pytest.importorskip("zarr")
    made = ArrayModel.create(
        shape=(8, 8),
        dtype="<i4",
        filters=[zarr.codecs.TransposeCodec(order=(1, 0))],
        compressors=[zarr.codecs.BloscCodec(cname="zstd"), zarr.codecs.Crc32cCodec()],
    )
    assert made.filters == (codecs.TransposeCodec((1, 0)),)
    assert made.compressors[1] == codecs.Crc32cCodec()


def chain(dtype: Any, number: int = 3, **settings: Any) -> list[dict[str, Any]]:
    model = ArrayModel.create(shape=(8,), dtype=dtype, zarr_format=number, **{"compressors": None, **settings})
    steps: list[dict[str, Any]] = json.loads(model.lower()[0])["codecs"]
    return steps


LITTLE = np.little_endian
TURN4 = [[0, 4, 1]]


def bytes_step(swap: list[list[int]], cell_bytes: int) -> dict[str, Any]:
    return {"name": "bytes", "swap": swap, "cell_bytes": cell_bytes}


def test_bytes_are_turned_only_where_the_order_differs() -> None:
    other = "big" if LITTLE else "little"
    same = "little" if LITTLE else "big"
    assert chain("i4", serializer=codecs.BytesCodec(same)) == [bytes_step([], 4)]
    assert chain("i4", serializer=codecs.BytesCodec(other)) == [bytes_step(TURN4, 4)]
    assert chain("i1", serializer=codecs.BytesCodec(other)) == [bytes_step([], 1)]
    assert chain("c8", serializer=codecs.BytesCodec(other)) == [bytes_step([[0, 4, 2]], 8)]
    assert chain("U3", serializer=codecs.BytesCodec(other)) == [bytes_step([[0, 4, 3]], 12)]
    assert chain("M8[ns]", serializer=codecs.BytesCodec(other)) == [bytes_step([[0, 8, 1]], 8)]
    assert chain("S3", serializer=codecs.BytesCodec(other)) == [bytes_step([], 3)]


def test_fields_are_turned_one_by_one() -> None:
    other = "big" if LITTLE else "little"
    fields = np.dtype([("a", "u1"), ("b", "f8"), ("c", "i2"), ("d", "i2"), ("e", [("f", "S3"), ("g", "c16")])])
    expected = [[1, 8, 1], [9, 2, 2], [16, 8, 2]]
    assert chain(fields, serializer=codecs.BytesCodec(other)) == [bytes_step(expected, 32)]
    mixed = np.dtype([("a", "<i2"), ("b", ">i2", (3,))])
    assert chain(mixed, 2) == [bytes_step([], 8)]
    assert parse_dtype(mixed).units == ((0, 2, 1, "<"), (2, 2, 3, ">"))


def test_format_2_keeps_the_order_of_its_data_type() -> None:
    for order in "<>":
        model = ArrayModel.create(shape=(8,), dtype=f"{order}i4", compressors=None, zarr_format=2, fill_value=1)
        assert model.dtype.str == np.dtype(f"{order}i4").str
        assert model.fill_cell == np.array(1, f"{order}i4").tobytes()
        assert chain(f"{order}i4", 2) == [bytes_step([], 4)]


def test_filters_compute_with_native_numbers() -> None:
    delta = {"name": "delta", "dtype": "i4", "astype": "i4"}
    foreign = ">i4" if LITTLE else "<i4"
    native = "<i4" if LITTLE else ">i4"
    assert chain(native, 2, filters=[codecs.Delta(native)]) == [delta, bytes_step([], 4)]
    turned = bytes_step(TURN4, 4)
    assert chain(foreign, 2, filters=[codecs.Delta(foreign)]) == [turned, delta, turned]
    # Between two filters in the foreign order nothing needs to be turned twice.
    assert chain(foreign, 2, filters=[codecs.Delta(foreign)] * 2) == [turned, delta, delta, turned]
    scaled = codecs.FixedScaleOffset(1, 2, foreign, ">i2" if LITTLE else "<i2")
    step = {"name": "fixedscaleoffset", "offset": 1.0, "scale": 2.0, "dtype": "i4", "astype": "i2"}
    assert chain(foreign, 2, filters=[scaled]) == [turned, step, bytes_step([[0, 2, 1]], 2)]
    scaled = codecs.FixedScaleOffset(1, 2, foreign, "|i1")
    assert chain(foreign, 2, filters=[scaled]) == [turned, {**step, "astype": "i1"}, bytes_step([], 1)]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("endian", "bytes"),
        ("numcodecs.gzip", "gzip"),
        ("numcodecs.zstd", "zstd"),
        ("numcodecs.crc32c", "crc32c"),
        ("https://codec.zarrs.dev/array_to_array/bitround", "bitround"),
        ("https://codec.zarrs.dev/bytes_to_bytes/fletcher32", "numcodecs.fletcher32"),
        ("https://purl.org/zarr/spec/codec/gzip/1.0", "gzip"),
    ],
)
def test_an_alias_means_the_codec_and_is_written_under_its_name(alias: str, name: str) -> None:
    configuration = {"bitround": {"keepbits": 3}, "bytes": {"endian": "little"}, "gzip": {"level": 1}}.get(name, {})
    codec = codec_from_json({"name": alias, "configuration": configuration})
    assert codec.to_json()["name"] == name


def test_what_is_new_has_the_registered_name() -> None:
    given = {"name": "numcodecs.bitround", "configuration": {"keepbits": 3}}
    assert codec_from_user(given) == codecs.BitRound(3)
    # A document keeps the name that its other readers know.
    assert codec_from_json(given).to_json() == given
    with pytest.raises(UnknownCodecError, match="nobody"):
        codec_from_json("https://codec.zarrs.dev/bytes_to_bytes/nobody")


def test_format_3_orders_bytes_after_the_filters() -> None:
    delta = {"name": "delta", "dtype": "i4", "astype": "i2"}
    other = "big" if LITTLE else "little"
    native = np.dtype("i4").str
    assert chain("i4", filters=[codecs.Delta(native, "i2")], serializer=codecs.BytesCodec(other)) == [
        delta,
        bytes_step([[0, 2, 1]], 2),
    ]
    assert chain("i8", filters=[codecs.AsType("f4", "i8")]) == [
        {"name": "astype", "encode_dtype": "f4", "decode_dtype": "i8"},
        bytes_step([], 4),
    ]
    assert chain("?", filters=[codecs.PackBits()]) == [{"name": "numcodecs.packbits"}, bytes_step([], 1)]
    assert chain("M8[s]", filters=[codecs.Delta("<M8[s]")])[0] == {"name": "delta", "dtype": "i8", "astype": "i8"}


def test_blosc_shuffles_what_comes_before_it() -> None:
    def blosc(dtype: Any, **settings: Any) -> dict[str, Any]:
        return chain(dtype, compressors=[codecs.BloscCodec()], **settings)[-1]

    assert (blosc("f8")["typesize"], blosc("f8")["shuffle"]) == (8, 1)
    assert (blosc("u1")["typesize"], blosc("u1")["shuffle"]) == (1, 2)
    assert blosc("f8", filters=[codecs.AsType("f4", "f8")])["typesize"] == 4
    assert blosc(str)["typesize"] == 1
    assert blosc("S300")["typesize"] == 1
    assert chain("f8", compressors=["gzip", "blosc"])[-1]["typesize"] == 1


def test_shards_are_lowered_with_what_is_inside_them() -> None:
    model = ArrayModel.create(shape=(8, 8), dtype="f4", chunks=(2, 2), shards=(4, 8), compressors=["gzip"])
    (step,) = json.loads(model.lower()[0])["codecs"]
    assert step == {
        "name": "sharding_indexed",
        "chunk_shape": [2, 2],
        "codecs": [bytes_step([], 4), {"name": "gzip", "level": 5}],
        "index_codecs": [bytes_step([], 8), {"name": "crc32c", "location": "end"}],
        "index_location": "end",
    }
    assert model.chunks == (2, 2)
    assert model.shards == (4, 8)


def test_chunks_inside_a_transposed_shard_are_told_in_the_order_of_the_array() -> None:
    sharding = codecs.ShardingCodec((2, 3, 5), [codecs.BytesCodec()])
    model = ArrayModel.create(
        shape=(60, 60, 60),
        dtype="i2",
        chunks=(30, 12, 9),
        filters=[codecs.TransposeCodec((1, 2, 0))],
        serializer=sharding,
    )
    # Axis 1 of the array comes first inside, then 2, then 0.
    assert model.chunks == (5, 2, 3)
    assert model.shards == (30, 12, 9)
    assert model.codecs[-1] == sharding
    with pytest.raises(MetadataValidationError, match="multiple of the chunk's"):
        ArrayModel.create(
            shape=(60, 60, 60),
            dtype="i2",
            chunks=(10, 12, 30),
            filters=[codecs.TransposeCodec((1, 2, 0))],
            serializer=codecs.ShardingCodec((2, 3, 20), [codecs.BytesCodec()]),
        )


def test_the_options_of_gdal_are_understood() -> None:
    zstd = codec_from_numcodecs({"id": "zstd", "level": 13, "checksum": "NO"})
    assert zstd == codecs.ZstdCodec(13, False)
    assert codec_from_numcodecs({"id": "zstd", "level": 1, "checksum": "YES"}) == codecs.ZstdCodec(1, True)
    bits = codec_from_numcodecs({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": "BIT", "blocksize": 0})
    assert bits == codecs.BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle")
    filters = [{"id": 3, "dist": 1}, {"id": 33, "preset": 6}]
    assert codec_from_numcodecs({"id": "lzma", "preset": 6, "delta": 1}) == codecs.LZMA(filters=filters)
    for wrong in (
        {"id": "zstd", "checksum": "maybe"},
        {"id": "zstd", "checksum": []},
        {"id": "lzma", "delta": "x"},
        {"id": "blosc", "shuffle": "X"},
    ):
        with pytest.raises(MetadataValidationError, match=r"checksum|delta|shuffle"):
            codec_from_numcodecs(wrong)


def test_what_gdal_packed_with_lzma_is_read() -> None:
    cells = np.arange(6, dtype="<i4")
    chain = [{"id": lzma.FILTER_DELTA, "dist": 1}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
    document = {
        "zarr_format": 2,
        "shape": [6],
        "chunks": [6],
        "dtype": "<i4",
        "compressor": {"id": "lzma", "preset": 6, "delta": 1},
        "fill_value": 0,
        "filters": None,
        "order": "C",
    }
    store = {".zarray": json.dumps(document).encode(), "0": lzma.compress(cells.tobytes(), filters=chain)}
    array = zarrite.open_array(store, mode="r+")
    assert array[:].tolist() == cells.tolist()
    array[2] = 7
    assert lzma.decompress(store["0"]) == array[:].tobytes()
