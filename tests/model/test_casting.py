"""`cast_value`, `scale_offset` and the registered `packbits`: every rule of their texts, against exact arithmetic."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, ChunkEncodeError, MetadataValidationError, ProgramError

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
ROUNDINGS = ("nearest-even", "towards-zero", "towards-positive", "towards-negative", "nearest-away")


def written(cells: Any, filters: list[Any], fill: Any = 0, **settings: Any) -> dict[str, Any]:
    """A store with one array, in one chunk, of cells that went through filters."""
    store: dict[str, Any] = {}
    settings = {"chunks": cells.shape, "compressors": None, "fill_value": fill, **settings}
    array = zarrite.create_array(
        store, shape=cells.shape, dtype=cells.dtype, filters=filters, config={"write_empty_chunks": True}, **settings
    )
    array[...] = cells
    return store


def stored(store: dict[str, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """What lies in its one chunk."""
    (key,) = [key for key in store if key.startswith("c")]
    return np.frombuffer(bytes(store[key]), dtype)


def read(store: dict[str, Any]) -> Any:
    return zarrite.open_array(store, mode="r")[...]


def rounded(number: Fraction, unit: Fraction, way: str) -> Fraction:
    """A number as a multiple of a unit."""
    below = math.floor(number / unit)
    rest = number / unit - below
    half = Fraction(1, 2)
    up = {
        "towards-negative": False,
        "towards-positive": rest > 0,
        "towards-zero": rest > 0 and number < 0,
        "nearest-even": rest > half or (rest == half and below % 2 == 1),
        "nearest-away": rest > half or (rest == half and number > 0),
    }[way]
    return (below + up) * unit


def expected(number: Any, target: np.dtype[Any], way: str, rule: str | None) -> Any:
    """What a number becomes, or None where it must be refused."""
    if not np.isfinite(number):
        return target.type(number) if target.kind == "f" else None
    exact = Fraction(int(number)) if isinstance(number, np.integer) else Fraction(float(number))
    if target.kind == "f":
        info = np.finfo(target)
        if exact == 0:
            return target.type(number)
        exponent = max(math.frexp(float(exact))[1] - 1, int(info.minexp))
        while abs(exact) >= Fraction(2) ** (exponent + 1):  # where a double rounded the number up
            exponent += 1
        while abs(exact) < Fraction(2) ** exponent and exponent > info.minexp:
            exponent -= 1
        near = rounded(exact, Fraction(2) ** (exponent - info.nmant), way)
        if abs(near) > Fraction(float(info.max)):
            return target.type(math.copysign(math.inf, number)) if rule == "clamp" else None
        return target.type(math.copysign(float(abs(near)), -1.0 if exact < 0 else 1.0))
    limits = np.iinfo(target)
    near = int(rounded(exact, Fraction(1), way))
    if limits.min <= near <= limits.max:
        return target.type(near)
    if rule == "clamp":
        return target.type(limits.min if near < 0 else limits.max)
    if rule == "wrap":
        return np.array(near % 2 ** (8 * target.itemsize), f"u{target.itemsize}").view(target)[()]
    return None


def numbers(name: str) -> np.ndarray[Any, Any]:
    """Numbers of a type near everything that a rule turns on."""
    dtype = np.dtype(name)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        edges = {info.min, info.max, info.max - 1, info.max // 2, 0, 1, 2, 3}
        edges |= {
            sign * (2**power + add)
            for power in (7, 8, 11, 24, 25, 31, 32, 53, 54, 63)
            for add in (-1, 0, 1, 3)
            for sign in (1, -1)
        }
        return np.array([edge for edge in sorted(edges) if info.min <= edge <= info.max], dtype)
    rng = np.random.default_rng(3)
    halves = np.arange(-6, 7) / 2
    edges = [
        sign * (2.0**power + add)
        for power in (7, 8, 15, 16, 31, 32, 63, 64)
        for add in (-1, -0.5, 0, 0.5)
        for sign in (1, -1)
    ]
    small = [0.0, -0.0, 5e-8, 2.9e-8, -6.1e-5, 1e-40, 3e-46, 1e-310]
    large = [65519.0, 65520.0, 3.4028235677973366e38, np.inf, -np.inf, np.nan]
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([halves, edges, small, large, rng.normal(0, 1000, 50)]).astype(dtype)


@pytest.mark.parametrize("target", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("source", [*INTEGERS, *FLOATS])
def test_every_number_is_cast_as_exact_arithmetic_says(source: str, target: str) -> None:
    cells, kind = numbers(source), np.dtype(target)
    rules = (None, "clamp", "wrap") if kind.kind in "iu" else (None, "clamp")
    for way, rule in itertools.product(ROUNDINGS, rules):
        wanted = [expected(number, kind, way, rule) for number in cells]
        good = np.array([one is not None for one in wanted])
        codec = codecs.CastValue(target, way, rule)
        found = stored(written(cells[good], [codec]), kind)
        want = np.array([one for one in wanted if one is not None], kind)
        same = (found == want) & (np.signbit(found) == np.signbit(want)) if kind.kind == "f" else found == want
        same |= (found != found) & (want != want)
        assert same.all(), (way, rule, cells[good][~same], found[~same], want[~same])
        for number in cells[~good][:3]:
            with pytest.raises(ChunkEncodeError, match="cell 0 holds"):
                written(np.array([number]), [codec])


def test_reading_follows_the_same_rules_and_names_the_value() -> None:
    codec = codecs.CastValue("int16", "towards-zero")
    store = written(np.array([1, 2], "u1"), [codec])
    (key,) = [key for key in store if key.startswith("c")]
    store[key] = np.array([1, 300], "<i2").tobytes()
    with pytest.raises(ChunkDecodeError, match="cell 1 holds 300, which lies out of range for uint8"):
        read(store)
    clamped = written(np.array([1, 2], "u1"), [codecs.CastValue("int16", out_of_range="clamp")])
    clamped[key] = np.array([-1, 300], "<i2").tobytes()
    assert read(clamped).tolist() == [0, 255]
    wrapped = written(np.array([1, 2], "u1"), [codecs.CastValue("int16", out_of_range="wrap")])
    wrapped[key] = np.array([-1, 300], "<i2").tobytes()
    assert read(wrapped).tolist() == [255, 44]


def test_the_map_goes_before_every_rule_and_its_first_entry_counts() -> None:
    cells = np.array([np.nan, np.inf, -np.inf, 1.0, 7.5], "f4")
    maps = {
        "encode": [["NaN", 255], ["Infinity", 254], ["-Infinity", 253], [7.5, 1], [7.5, 2]],
        "decode": [[255, "NaN"]],
    }
    store = written(cells, [codecs.CastValue("uint8", scalar_map=maps)])
    assert stored(store, "u1").tolist() == [255, 254, 253, 1, 1]
    assert np.array_equal(read(store), [np.nan, 254, 253, 1, 1], equal_nan=True)
    exact = {"encode": [["0x7fc00001", 9]]}
    with pytest.raises(ChunkEncodeError, match="NaN"):
        written(cells, [codecs.CastValue("uint8", scalar_map=exact)])
    payload = np.array([0x7FC00001], "u4").view("f4")
    assert stored(written(payload, [codecs.CastValue("uint8", scalar_map=exact)]), "u1").tolist() == [9]


def test_a_fill_value_must_come_back_as_it_was_and_is_looked_at_before_anything_is_stored() -> None:
    store: dict[str, Any] = {}
    settings: dict[str, Any] = {"shape": (4,), "dtype": "f4", "chunks": (2,)}
    for fill, codec in (
        (0.5, codecs.CastValue("uint8")),
        (-1, codecs.CastValue("uint8", out_of_range="clamp")),
        (np.nan, codecs.CastValue("int8")),
        (300, codecs.CastValue("uint8")),
    ):
        with pytest.raises(ProgramError, match="cast_value"):
            zarrite.create_array(store, filters=[codec], fill_value=fill, **settings)
    with pytest.raises(ProgramError, match="scale_offset"):
        zarrite.create_array(store, filters=[codecs.ScaleOffset(10)], fill_value=9, **{**settings, "dtype": "u1"})
    assert store == {}
    one_way = {"encode": [["NaN", 0]]}
    with pytest.raises(ProgramError, match="NaN"):
        zarrite.create_array(
            store, filters=[codecs.CastValue("uint8", scalar_map=one_way)], fill_value=np.nan, **settings
        )
    both = {**one_way, "decode": [[0, "NaN"]]}
    array = zarrite.create_array(
        store, filters=[codecs.CastValue("uint8", scalar_map=both)], fill_value=np.nan, **settings
    )
    assert np.isnan(array[...]).all()


def test_chunks_of_a_shard_are_left_out_where_they_hold_the_fill_value_as_the_filters_left_it() -> None:
    store: dict[str, Any] = {}
    filters = [codecs.ScaleOffset(1000), codecs.CastValue("uint8")]
    inner = codecs.ShardingCodec((4,), [codecs.BytesCodec(None)], [codecs.BytesCodec("little")])
    array = zarrite.create_array(
        store,
        shape=(16,),
        dtype="u2",
        chunks=(16,),
        filters=filters,
        serializer=inner,
        compressors=None,
        fill_value=1001,
    )
    cells = np.full(16, 1001, "u2")
    cells[5] = 1003
    array[...] = cells
    (key,) = [key for key in store if key.startswith("c")]
    raw = bytes(store[key])
    index = np.frombuffer(raw[-64:], "<u8").reshape(4, 2)
    assert [slot.tolist() for slot in index] == [[2**64 - 1] * 2, [0, 4], [2**64 - 1] * 2, [2**64 - 1] * 2]
    assert raw[:4] == bytes([1, 3, 1, 1])
    assert read(store).tolist() == cells.tolist()


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_scale_offset_computes_in_the_type_of_the_cells(dtype: str) -> None:
    kind = np.dtype(dtype)
    cells = np.arange(10, 30).astype(kind)
    offset, scale = (kind.type(10), kind.type(3)) if kind.kind in "iu" else (kind.type(0.1), kind.type(0.3))
    store = written(cells, [codecs.ScaleOffset(offset.item(), scale.item())], fill=10)
    assert stored(store, kind).tobytes() == ((cells - offset) * scale).tobytes()
    want = cells if kind.kind in "iu" else ((cells - offset) * scale) / scale + offset
    assert read(store).tobytes() == want.tobytes()


def test_what_the_type_cannot_hold_on_the_way_is_refused_with_its_value() -> None:
    for dtype, cell, codec in (
        ("u1", 3, codecs.ScaleOffset(4)),
        ("u1", 200, codecs.ScaleOffset(0, 2)),
        ("i8", -(2**63), codecs.ScaleOffset(1)),
        ("u8", 2**63, codecs.ScaleOffset(0, 2)),
        ("f4", 3e38, codecs.ScaleOffset(0, 10)),
        ("f2", 6e4, codecs.ScaleOffset(-1e4)),
    ):
        with pytest.raises(ChunkEncodeError, match="cell 0 holds"):
            written(np.array([cell], dtype), [codec], fill=codec.offset)
    store = written(np.array([2, 4], "u1"), [codecs.ScaleOffset(0, 2)])
    (key,) = [key for key in store if key.startswith("c")]
    store[key] = bytes([4, 5])
    with pytest.raises(ChunkDecodeError, match="cell 1 holds 5"):
        read(store)


@pytest.mark.parametrize(
    "make",
    [
        lambda: codecs.CastValue("bool"),
        lambda: codecs.CastValue("complex64"),
        lambda: codecs.CastValue("string"),
        lambda: codecs.CastValue("float32", out_of_range="wrap"),
        lambda: codecs.CastValue("uint8", "up"),
        lambda: codecs.CastValue("uint8", out_of_range="error"),
        lambda: codecs.CastValue("uint8", scalar_map={"both": []}),
        lambda: codecs.CastValue("uint8", scalar_map={"encode": [[1]]}),
        lambda: codecs.CastValue("uint8", scalar_map={"encode": [[1, True]]}),
        lambda: codecs.CastValue.from_configuration({}),
        lambda: codecs.CastValue.from_configuration({"data_type": "uint8", "more": 1}),
        lambda: codecs.ScaleOffset.from_configuration({"offset": None}),
        lambda: codecs.ScaleOffset.from_configuration({"dtype": "<f4"}),
        lambda: codecs.ScaleOffset([1]),
        lambda: written(np.zeros(1, "f4"), [codecs.ScaleOffset(scale=0.0)]),
        lambda: written(np.zeros(1, "f4"), [codecs.ScaleOffset(scale=-0.0)]),
        lambda: written(np.zeros(1, "u1"), [codecs.ScaleOffset(0.5)]),
        lambda: written(np.zeros(1, "u1"), [codecs.ScaleOffset(256)]),
        lambda: written(np.zeros(1, "?"), [codecs.CastValue("uint8")]),
        lambda: written(np.zeros(1, "u1"), [codecs.CastValue("int8", scalar_map={"encode": [[256, 0]]})]),
        lambda: codecs.PackBitsCodec("start_byte"),
        lambda: codecs.PackBitsCodec(first_bit=-1),
        lambda: written(np.zeros(1, "u1"), [], serializer=codecs.PackBitsCodec(last_bit=8)),
        lambda: written(np.zeros(1, "u1"), [], serializer=codecs.PackBitsCodec(first_bit=3, last_bit=2)),
        lambda: written(np.zeros(1, "M8[s]"), [], "NaT", serializer=codecs.PackBitsCodec()),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises((MetadataValidationError, ProgramError)):
        make()


@pytest.mark.parametrize("padding", ["none", "first_byte", "last_byte"])
@pytest.mark.parametrize("dtype", ["?", *INTEGERS, *FLOATS, "complex64", "complex128"])
def test_bits_are_packed_lowest_first(dtype: str, padding: str) -> None:
    kind = np.dtype(dtype)
    raw = np.random.default_rng(5).integers(0, 256, (11, kind.itemsize), np.uint8)
    cells = (raw[:, 0] % 2 == 0) if kind.kind == "b" else raw.ravel().view(kind)
    parts = 2 if kind.kind == "c" else 1
    bits = 1 if kind.kind == "b" else 8 * kind.itemsize // parts
    words = cells.view(f"u{kind.itemsize // parts}")
    for first, last in {(0, bits - 1), (bits // 3, bits - 1), (0, bits // 2), (bits // 3, bits // 2)}:
        store = written(cells, [], serializer=codecs.PackBitsCodec(padding, first, last))
        each = [(int(word) >> at) & 1 for word in words for at in range(first, last + 1)]
        packed = np.packbits(np.array(each, "u1"), bitorder="little").tobytes()
        unused = bytes([-len(each) % 8])
        found = stored(store, "u1").tobytes()
        assert found == {"none": packed, "first_byte": unused + packed, "last_byte": packed + unused}[padding]
        mask = sum(1 << at for at in range(first, last + 1))
        kept = [int(word) & mask for word in words]
        if kind.kind == "i":
            kept = [word | (-1 << (last + 1) if word >> last & 1 else 0) for word in kept]
            back = np.array(kept, kind)
        else:
            back = np.array(kept, words.dtype).view(cells.dtype)
        assert read(store).tobytes() == back.tobytes()
        (key,) = [key for key in store if key.startswith("c")]
        store[key] = found + b"\0"
        with pytest.raises(ChunkDecodeError):
            read(store)
