"""Random models: every data type, chain, grid and fill value that a user can ask for."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import strategies as st

from zarrite import codecs
from zarrite.dtype import DType, parse_dtype
from zarrite.model.node import ArrayModel

PLAIN = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("datetime64[ns]", "timedelta64[25s]", "datetime64", "S1", "S7", "U3", "V5", "r16", "str"),
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
attributes = st.dictionaries(st.text(), json_values, max_size=3)

field_names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
scalars = st.sampled_from([name for name in PLAIN if name not in ("str", "r16")]).map(np.dtype)
structs = st.recursive(
    scalars,
    lambda inner: st.lists(st.tuples(field_names, inner), min_size=1, max_size=3, unique_by=lambda one: one[0]).map(
        np.dtype
    ),
    max_leaves=4,
)
data_types: st.SearchStrategy[DType] = (
    st.sampled_from(PLAIN).map(parse_dtype) | structs.map(parse_dtype) | st.just(parse_dtype(bytes))
)


@st.composite
def fills(draw: st.DrawFn, data_type: DType) -> Any:
    """Any bits a cell can have, so NaN payloads and negative zeros too."""
    if data_type.vlen == "string":
        return draw(st.text())
    if data_type.vlen == "bytes":
        return draw(st.binary(max_size=9))
    if data_type.numpy.kind == "U":
        return np.str_(draw(st.text(max_size=data_type.numpy.itemsize // 4)).rstrip("\0"))
    raw = bytearray(draw(st.binary(min_size=data_type.cell_bytes, max_size=data_type.cell_bytes)))
    _mend(data_type.numpy, raw, 0)
    return np.frombuffer(bytes(raw), data_type.numpy)[0]


def _mend(numpy: np.dtype[Any], raw: bytearray, offset: int) -> None:
    """Random bytes are no booleans and no code points; those parts become some."""
    if numpy.fields is not None:
        for inner, at, *_ in numpy.fields.values():
            _mend(inner, raw, offset + at)
    elif numpy.kind == "b":
        raw[offset] &= 1
    elif numpy.kind == "U":
        raw[offset : offset + numpy.itemsize] = np.array("ab", numpy).tobytes()


compressors = st.lists(
    st.one_of(
        st.builds(codecs.GzipCodec, st.integers(0, 9)),
        st.builds(codecs.ZstdCodec, st.integers(-5, 22), st.booleans()),
        st.builds(
            codecs.BloscCodec,
            st.none() | st.integers(1, 300),
            st.sampled_from(["lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib"]),
            st.integers(0, 9),
            st.sampled_from([None, "noshuffle", "shuffle", "bitshuffle"]),
            st.integers(0, 1 << 20),
        ),
        st.builds(codecs.Zlib, st.integers(0, 9)),
        st.builds(codecs.BZ2, st.integers(1, 9)),
        st.builds(codecs.LZ4, st.integers(1, 9)),
        st.just(codecs.LZMA()),
        st.builds(codecs.LZMA, preset=st.integers(0, 9)),
        st.builds(codecs.Shuffle, st.integers(1, 16)),
        st.builds(codecs.Crc32cCodec, st.sampled_from(["end", "start"])),
    ),
    max_size=3,
)


@st.composite
def filters(draw: st.DrawFn, data_type: DType, ndim: int) -> list[codecs.Codec]:
    """Filters that fit a type, without a transpose: format 2 has none."""
    numpy = data_type.numpy
    chosen: list[codecs.Codec] = []
    if numpy.kind in "iuf" and draw(st.booleans()):
        name = numpy.str
        chosen.append(
            draw(
                st.sampled_from(
                    [
                        codecs.Delta(name),
                        codecs.Delta(name, "<i8"),
                        codecs.FixedScaleOffset(10, 2.5, name, "<i4"),
                        codecs.AsType("<f8", name),
                        codecs.BitRound(3) if numpy.kind == "f" else codecs.Delta(name),
                        codecs.Quantize(2, name) if numpy.kind == "f" else codecs.Delta(name),
                    ]
                )
            )
        )
    if numpy.kind == "b" and draw(st.booleans()):
        chosen.append(codecs.PackBits())
    return chosen


@st.composite
def arrays_of_format_3(draw: st.DrawFn) -> ArrayModel:
    """Any array that format 3 has words for."""
    data_type = draw(data_types)
    shape = tuple(draw(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 30), max_size=4)))
    counts = [draw(st.integers(1, 4)) for _ in shape]
    chunks = tuple(draw(st.integers(1, 9)) for _ in shape)
    shards = draw(st.sampled_from([None, tuple(a * b for a, b in zip(counts, chunks, strict=True))]))
    chain = draw(filters(data_type, len(shape)))
    if draw(st.booleans()):
        chain.insert(0, codecs.TransposeCodec(draw(st.permutations(range(len(shape))))))
    serializer: Any = "auto"
    if not data_type.vlen and draw(st.booleans()):
        serializer = codecs.BytesCodec("big")
    return ArrayModel.create(
        shape=shape,
        dtype=data_type,
        chunks=chunks,
        shards=shards,
        filters=chain,
        serializer=serializer,
        compressors=draw(compressors),
        fill_value=draw(fills(data_type)),
        attributes=draw(attributes),
        chunk_key_encoding={"name": draw(st.sampled_from(["default", "v2"])), "separator": draw(st.sampled_from("/."))},
        dimension_names=draw(st.none() | st.lists(st.none() | st.text(), min_size=len(shape), max_size=len(shape))),
    )


@st.composite
def arrays_of_format_2(draw: st.DrawFn) -> ArrayModel:
    """Any array that format 2 has words for."""
    data_type = draw(data_types)
    if not data_type.vlen and draw(st.booleans()):
        data_type = parse_dtype(data_type.numpy.newbyteorder(">"))
    shape = tuple(draw(st.lists(st.integers(0, 30), max_size=4)))
    return ArrayModel.create(
        shape=shape,
        dtype=data_type,
        chunks=tuple(draw(st.integers(1, 9)) for _ in shape),
        filters=draw(filters(data_type, len(shape))),
        compressors=draw(compressors)[:1],
        fill_value=draw(st.none() | fills(data_type)),
        attributes=draw(attributes),
        order=draw(st.sampled_from("CF")),
        chunk_key_encoding={"name": "v2", "separator": draw(st.sampled_from("/."))},
        zarr_format=2,
    )


def as_json(raw: bytes) -> Any:
    """A document's JSON, read without any patience."""

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    return json.loads(raw.decode("ascii"), parse_constant=refuse)
