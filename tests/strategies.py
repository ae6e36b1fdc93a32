"""Random arrays as users make them, random cells, and random keys of every kind: what the properties are tried on.

Structure is drawn by hypothesis, so that a failure shrinks; cells come from a seeded generator: drawing is cheap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from zarrite import codecs

Cells = NDArray[Any]

SCALARS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("datetime64[ns]", "datetime64[D]", "timedelta64[25s]", "S1", "S5", "U1", "U4", "V1", "V5", "r24"),
)
STRUCTS: tuple[list[tuple[Any, ...]], ...] = (
    [("a", "i2"), ("b", "f4")],
    [("flag", "?"), ("name", "S3"), ("when", "M8[s]"), ("value", "c8")],
    [("x", "u1"), ("inner", [("y", "f8"), ("z", "U2")]), ("w", "i4")],
    [("one", "i8")],
    [("r", "f8"), ("i", "f8")],
)
SUBARRAYS: tuple[list[tuple[Any, ...]], ...] = ([("m", "i2", (2,)), ("n", "f4", (2, 2))],)
VARYING = ("string", "bytes")


@dataclass(frozen=True)
class Made:
    """What an array is made with: everything that `zarrite.create_array` takes, and what the test knows besides."""

    settings: dict[str, Any]
    dtype: np.dtype[Any]
    kind: str
    exact: bool = field(default=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape it begins with."""
        return tuple(self.settings["shape"])


# ---------------------------------------------------------------- cells


def _characters(numbers: np.random.Generator, count: int) -> list[str]:
    alphabet = "ab\x00zé\u20ac\U0001f600 \n"
    return ["".join(numbers.choice(list(alphabet), numbers.integers(0, 5))) for _ in range(count)]


def mend(dtype: np.dtype[Any], cells: Cells) -> None:
    """Random bytes are no booleans and no code points: makes them some, in place."""
    if dtype.subdtype is not None:
        mend(dtype.subdtype[0], cells)
    elif dtype.names is not None:
        for name in dtype.names:
            mend(dtype[name], cells[name])
    elif dtype.kind == "b":
        cells.view("u1")[...] &= 1
    elif dtype.kind == "U":
        texts = [chr(97 + int(number) % 0x250) for number in range(17)]
        cells[...] = np.resize(np.array(["", *texts, "ab", "\x00b", "a\x00b"]), cells.shape)


def random_cells(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int, *, tame: bool = False) -> Cells:
    """Cells of any bits: NaN payloads, negative zeros, NaT; many of them alike, as in real data.

    Args:
        dtype: their type; `StringDType` and object (for bytes) vary in length.
        shape: their shape.
        seed: the same seed gives the same cells.
        tame: small numbers that every filter keeps exactly.
    """
    numbers = np.random.default_rng(seed)
    count = math.prod(shape)
    if dtype.kind == "T":
        return np.array(_characters(numbers, count), dtype=dtype).reshape(shape)
    if dtype.kind == "O":
        cells = np.empty(count, dtype=object)
        cells[:] = [text.encode() for text in _characters(numbers, count)]
        return cells.reshape(shape)
    if tame:
        if dtype.kind == "b":
            return numbers.integers(0, 2, count).astype(dtype).reshape(shape)
        return numbers.integers(0, 60, count).astype(dtype).reshape(shape)
    pool = max(1, min(count, int(numbers.integers(1, 40))))
    raw = np.frombuffer(numbers.bytes(pool * dtype.itemsize), dtype=dtype).copy()
    mend(dtype, raw)
    if dtype.kind in "fc" and numbers.random() < 0.5:
        raw[: min(pool, 4)] = np.array([-0.0, 0.0, np.nan, np.inf], dtype=dtype)[: min(pool, 4)]
    chosen = numbers.integers(0, pool, count)
    # `take` keeps every bit, as fancy indexing does.
    return raw.take(chosen).reshape(shape)


def bits(cells: Any, dtype: np.dtype[Any]) -> Any:
    """What two results are compared by: their bytes, and for cells that vary in length their values."""
    found = np.asarray(cells)
    if dtype.kind in "TO":
        return found.shape, found.tolist()
    if not isinstance(cells, np.ndarray):
        found = found.astype(dtype)  # scalars are native, and texts as long as they are
    assert found.dtype == dtype, f"{found.dtype} and not {dtype}"
    return found.shape, np.ascontiguousarray(found).tobytes()


LAYOUTS = ("C", "F", "strided", "backwards", "swapped", "unaligned", "frozen", "list")


def laid_out(cells: Cells, layout: str) -> Any:
    """The same values in another layout in memory: what users have in their hands."""
    if layout == "F":
        return np.asfortranarray(cells)
    if layout == "strided" and cells.ndim:
        wide = np.zeros((*cells.shape[:-1], cells.shape[-1] * 3), dtype=cells.dtype)
        wide[..., 1::3] = cells
        return wide[..., 1::3]
    if layout == "backwards" and cells.ndim:
        return np.ascontiguousarray(cells[::-1])[::-1]
    if layout == "swapped" and cells.dtype.kind in "iufcmMU":
        return cells.astype(cells.dtype.newbyteorder("S"))
    if layout == "unaligned" and cells.dtype.kind not in "TO" and cells.size:
        raw = np.zeros(cells.nbytes + 1, dtype=np.uint8)
        raw[1:] = np.frombuffer(cells.tobytes(), np.uint8)
        return np.ndarray(cells.shape, cells.dtype, raw, 1)
    if layout == "frozen":
        cells = cells.copy()
        cells.flags.writeable = False
    # A list of text, numbers or bytes; floats keep their bits in Python only where they are 64 bits wide and no NaN.
    if layout == "list" and cells.dtype.kind in "biuTO" and cells.size:
        return cells.tolist()
    return cells


# ---------------------------------------------------------------- codecs


LOSSLESS: st.SearchStrategy[Any] = st.one_of(
    st.builds(codecs.GzipCodec, st.sampled_from((0, 1, 5, 9))),
    st.builds(codecs.ZstdCodec, st.sampled_from((-3, 0, 3, 7)), st.booleans()),
    st.builds(
        codecs.BloscCodec,
        st.none() | st.integers(1, 17),
        st.sampled_from(["lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib"]),
        st.sampled_from((0, 1, 5, 9)),
        st.sampled_from([None, "noshuffle", "shuffle", "bitshuffle"]),
        st.sampled_from((0, 0, 64, 1000)),
    ),
    st.builds(codecs.Zlib, st.sampled_from((0, 1, 9))),
    st.builds(codecs.BZ2, st.sampled_from((1, 9))),
    st.builds(codecs.LZ4, st.integers(1, 9)),
    st.just(codecs.LZMA(preset=0)),
    st.builds(codecs.Shuffle, st.integers(0, 9)),
    st.builds(codecs.Crc32cCodec, st.sampled_from(["end", "start"])),
)
INDEX_CHAINS: st.SearchStrategy[Any] = st.sampled_from(
    (
        [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        [{"name": "bytes", "configuration": {"endian": "little"}}],
        [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "crc32c"}],
    )
)


def _numeric_filters(dtype: np.dtype[Any]) -> list[list[Any]]:
    """Chains of filters that keep tame cells exactly."""
    name = dtype.str
    if dtype.kind == "b":
        return [[codecs.PackBits()]]
    if dtype.kind == "f":
        wide = ">f8" if name[0] == ">" else "<f8"
        return [
            [codecs.FixedScaleOffset(10, 2, name, "<i2")],
            [codecs.AsType(wide, name)],
            [codecs.BitRound(7)],
            [codecs.Quantize(1, name)],
            [codecs.Delta(name), codecs.AsType("<i4", name)],
        ]
    if dtype.kind in "iu":
        return [
            [codecs.Delta(name)],
            [codecs.Delta(name, "<i8")],
            [codecs.Delta(name, ">i4")],
            [codecs.AsType("<f8", name), codecs.Quantize(1, "<f8", "<f4")],
            [codecs.FixedScaleOffset(5, 1, name, "<i2"), codecs.Delta("<i2")],
        ]
    return []


# ---------------------------------------------------------------- arrays


@st.composite
def dtypes(draw: st.DrawFn, zarr_format: int) -> tuple[Any, np.dtype[Any], str]:
    """What is passed as `dtype`, the type of the results, and a word for what it is."""
    kind = draw(st.sampled_from(("scalar",) * 6 + ("struct", "varying")))
    if kind == "varying":
        name = draw(st.sampled_from(VARYING))
        return name, np.dtypes.StringDType() if name == "string" else np.dtype(object), "varying"
    if kind == "struct":
        fields = draw(st.sampled_from(STRUCTS + (SUBARRAYS if zarr_format == 2 else ())))
        dtype = np.dtype(fields)
    else:
        name = draw(st.sampled_from(SCALARS))
        if name == "r24":
            return (name if zarr_format == 3 else "V3"), np.dtype("V3"), kind
        dtype = np.dtype(name)
    if zarr_format == 2 and draw(st.booleans()):
        dtype = dtype.newbyteorder(">")
    return dtype, dtype, kind


@st.composite
def fills(draw: st.DrawFn, dtype: np.dtype[Any], *, tame: bool, zarr_format: int) -> Any:
    """Any bits a cell can have; in format 2 also none."""
    if zarr_format == 2 and draw(st.integers(0, 3)) == 0:
        return None
    seed = draw(st.integers(0, 30))
    if seed == 0 and dtype.kind != "M":
        return 0 if dtype.kind != "O" else b""
    value = random_cells(dtype, (1,), seed, tame=tame)[0]
    if dtype.kind == "T":
        return str(value)
    return value


@st.composite
def arrays(draw: st.DrawFn, zarr_format: int | None = None, most: int = 600) -> Made:
    """Any array that the library can make, small."""
    version = draw(st.sampled_from((2, 3, 3))) if zarr_format is None else zarr_format
    given, dtype, kind = draw(dtypes(version))
    ndim = draw(st.sampled_from((0, 1, 1, 2, 2, 2, 3, 3, 4, 5)))
    limit = {0: 1, 1: 40, 2: 12, 3: 7, 4: 4, 5: 3}[ndim]
    shape = tuple(draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, limit)) for _ in range(ndim))
    chunks = tuple(draw(st.integers(1, limit)) for _ in shape)
    filters: list[Any] = []
    tame = False
    if draw(st.integers(0, 3)) == 0:
        chains = _numeric_filters(dtype)
        if chains:
            filters, tame = list(draw(st.sampled_from(chains))), True
    compressors = draw(st.lists(LOSSLESS, max_size=2))
    settings: dict[str, Any] = {
        "shape": shape,
        "dtype": given,
        "chunks": chunks,
        "zarr_format": version,
        "fill_value": draw(fills(dtype, tame=tame, zarr_format=version)),
        "config": {"write_empty_chunks": draw(st.sampled_from((False, False, True)))},
        "order": draw(st.sampled_from("CF")),
    }
    if version == 2:
        settings["compressors"] = compressors[0] if compressors else None
        settings["filters"] = [*filters, *compressors[1:]] or None
        settings["chunk_key_encoding"] = {"name": "v2", "separator": draw(st.sampled_from("/."))}
    else:
        settings["compressors"] = compressors
        settings["chunk_key_encoding"] = {
            "name": draw(st.sampled_from(("default", "default", "v2"))),
            "separator": draw(st.sampled_from("/.")),
        }
        if ndim and draw(st.integers(0, 2)) == 0:
            filters.insert(0, codecs.TransposeCodec(draw(st.permutations(range(ndim)))))
        settings["filters"] = filters
        if kind != "varying" and draw(st.integers(0, 2)) == 0:
            settings["serializer"] = codecs.BytesCodec("big")
        if draw(st.booleans()):
            draw(shard_it(settings))
    return Made(settings, dtype, kind, not tame)


@st.composite
def shard_it(draw: st.DrawFn, settings: dict[str, Any]) -> None:
    """Puts the chain inside shards, perhaps twice, the index at either end, other codecs around it."""
    chain = [
        *settings["filters"],
        settings.get("serializer", "auto"),
        *settings["compressors"],
    ]
    if chain[len(settings["filters"])] == "auto":
        name = settings["dtype"]
        serial = {"string": codecs.VLenUTF8Codec(), "bytes": codecs.VLenBytesCodec()}
        known = serial.get(name) if isinstance(name, str) else None
        chain[len(settings["filters"])] = known or codecs.BytesCodec()
    inner = settings["chunks"]
    for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
        index = [codecs_of(entry) for entry in draw(INDEX_CHAINS)]
        sharding = codecs.ShardingCodec(inner, chain, index, draw(st.sampled_from(("end", "start"))))
        inner = tuple(edge * draw(st.integers(1, 3)) for edge in inner)
        chain = [sharding]
    settings["chunks"] = inner
    settings["shards"] = None
    settings["filters"] = []
    settings["serializer"] = chain[0]
    settings["compressors"] = []
    if inner and draw(st.integers(0, 5)) == 0:
        settings["filters"] = [codecs.TransposeCodec(draw(st.permutations(range(len(inner)))))]
        order = settings["filters"][0].order
        settings["chunks"] = tuple(inner[order.index(axis)] for axis in range(len(inner)))
    if draw(st.integers(0, 5)) == 0:
        settings["compressors"] = [draw(LOSSLESS)]


def codecs_of(entry: dict[str, Any]) -> Any:
    """A codec of an index chain from its document."""
    if entry["name"] == "crc32c":
        return codecs.Crc32cCodec()
    return codecs.BytesCodec(entry["configuration"]["endian"])
