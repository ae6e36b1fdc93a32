"""What we write, the strictest reader opens: tensorstore, then zarr-python, both where they are installed."""

from __future__ import annotations

import itertools
import json
import warnings
from typing import Any

import numpy as np
import pytest

from zarrite import formats
from zarrite.codecs import TransposeCodec, ZstdCodec
from zarrite.model.node import ArrayModel

NUMBERS = "bool i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16 V4".split()  # noqa: SIM905
COMPRESSORS: list[Any] = [
    (),
    "auto",
    ["gzip"],
    ["blosc"],
    ["crc32c"],
    [{"name": "blosc", "configuration": {"shuffle": "noshuffle"}}],
    [ZstdCodec(5)],
]
KEYS: list[Any] = [None, "v2", {"name": "default", "separator": "."}]
PAYLOAD = np.frombuffer(b"\1\0\0\0\0\0\xf8\x7f", "f8")[0]
FILLS: list[tuple[str, Any]] = [
    *(("f4", value) for value in (np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-40, np.float32(3.14))),
    *(("f8", value) for value in (0.1, PAYLOAD)),
    *(("f2", value) for value in (65504, np.nan)),
    ("u8", 2**64 - 1),
    ("i8", -(2**63)),
    ("c8", 1 + 2j),
    ("c16", complex(np.nan, -0.0)),
    ("?", True),
]


def open_with_tensorstore(document: bytes, name: str, **more: Any) -> Any:
    ts = pytest.importorskip("tensorstore")
    context = ts.Context()
    ts.KvStore.open("memory://", context=context).result().write(name, document).result()
    driver = "zarr3" if name == "zarr.json" else "zarr"
    return ts.open({"driver": driver, "kvstore": "memory://", **more}, open=True, context=context).result()


@pytest.mark.parametrize("dtype", NUMBERS)
def test_tensorstore_opens_every_array_of_numbers(dtype: str) -> None:
    for compressors, shards, keys, filters in itertools.product(
        COMPRESSORS, (None, (8, 8)), KEYS, ((), [TransposeCodec((1, 0))])
    ):
        model = ArrayModel.create(
            shape=(20, 30),
            chunks=(4, 4),
            shards=shards,
            dtype=dtype,
            compressors=compressors,
            chunk_key_encoding=keys,
            filters=filters,
            dimension_names=["x", None],
            attributes={"a": 1},
        )
        opened = open_with_tensorstore(formats.dump(model, "")["zarr.json"], "zarr.json")
        assert opened.shape[:2] == (20, 30)
        if dtype != "V4":  # its bytes become an axis of their own there
            assert opened.chunk_layout.read_chunk.shape == (4, 4)
            assert opened.chunk_layout.write_chunk.shape == (shards or (4, 4))


@pytest.mark.parametrize(("dtype", "fill"), FILLS)
def test_tensorstore_reads_the_fill_value_bit_by_bit(dtype: str, fill: Any) -> None:
    model = ArrayModel.create(shape=(3,), dtype=dtype, fill_value=fill)
    opened = open_with_tensorstore(formats.dump(model, "")["zarr.json"], "zarr.json")
    assert opened.read().result().tobytes()[: model.dtype.itemsize] == model.fill_cell


def test_tensorstore_opens_arrays_without_axes_without_cells_and_of_fields() -> None:
    for shape in ((), (0, 3)):
        document = formats.dump(ArrayModel.create(shape=shape, dtype="f4"), "")["zarr.json"]
        assert open_with_tensorstore(document, "zarr.json").shape == shape
    fields = ArrayModel.create(shape=(3,), dtype=[("a", "<f4"), ("b", "<i2")], fill_value=(1.5, 2))
    opened = open_with_tensorstore(formats.dump(fields, "")["zarr.json"], "zarr.json", field="a")
    assert opened.read().result().tolist() == [1.5] * 3


OLD_TYPES: list[Any] = [
    *"bool i1 u1 >i2 u2 i4 >u4 i8 u8 f2 f4 >f8 c8 c16 S5 V3".split(),  # noqa: SIM905
    [("a", "<f4"), ("b", ">i2")],
    [("a", "<f4", (3,))],
]


@pytest.mark.parametrize("dtype", OLD_TYPES, ids=str)
def test_tensorstore_opens_every_array_of_format_2(dtype: Any) -> None:
    packed: list[Any] = ["auto", None, *([{"id": name}] for name in ("gzip", "blosc", "zlib", "bz2"))]
    for compressors, order, fill in itertools.product(packed, "CF", (0, None)):
        model = ArrayModel.create(
            shape=(20, 30),
            chunks=(4, 4),
            dtype=dtype,
            compressors=compressors,
            order=order,
            fill_value=fill,
            zarr_format=2,
        )
        field = {"field": "a"} if isinstance(dtype, list) else {}
        open_with_tensorstore(formats.dump(model, "")[".zarray"], ".zarray", **field)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize(
    "dtype", [*NUMBERS, "S5", "U3", str, "datetime64[25s]", "timedelta64[ns]", [("a", "<f4"), ("b", "<i2")]], ids=str
)
def test_zarr_python_understands_what_we_write(dtype: Any, number: int) -> None:
    zarr = pytest.importorskip("zarr")
    if isinstance(dtype, list) and number == 3:
        pytest.skip("the name 'struct' is younger than the release that Python 3.11 has")
    model = ArrayModel.create(shape=(6,), dtype=dtype, zarr_format=number, attributes={"a": [1, None]})
    store = {
        key: zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(raw)
        for key, raw in formats.dump(model, "").items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = zarr.open_array(zarr.storage.MemoryStore(store), mode="r")
        assert opened.shape == (6,)
        assert dict(opened.attrs) == {"a": [1, None]}
        if dtype is not str:
            assert opened.dtype == model.dtype
            assert np.asarray(opened[:]).tobytes() == model.fill_cell * 6


def test_nothing_that_is_no_json_is_written() -> None:
    for bad in (
        float("nan"),
        [float("inf")],
        {"deep": {"er": -float("inf")}},
        b"bytes",
        object(),
        np.float32("nan"),
    ):
        model = ArrayModel.create(shape=(1,), dtype="i4", attributes={"units": bad})
        with pytest.raises(ValueError, match=r"'/a/b'.*attributes.units"):
            formats.dump(model, "a/b")


def test_names_of_attributes_are_strings() -> None:
    with pytest.raises(ValueError, match="strings for names"):
        formats.dump(ArrayModel.create(shape=(1,), dtype="i4", attributes={1: 2}), "")


def test_what_numpy_puts_into_attributes_is_written_as_json() -> None:
    attributes = {"n": np.int64(3), "x": np.float32(0.5), "list": np.arange(3), "yes": np.bool_(True), "t": (1, 2)}
    written = formats.dump(ArrayModel.create(shape=(1,), dtype="i4", attributes=attributes), "")["zarr.json"]
    assert json.loads(written)["attributes"] == {"n": 3, "x": 0.5, "list": [0, 1, 2], "yes": True, "t": [1, 2]}


def test_an_attribute_that_holds_itself_is_refused() -> None:
    around: list[Any] = []
    around.append(around)
    with pytest.raises(ValueError, match="holds itself"):
        formats.dump(ArrayModel.create(shape=(1,), dtype="i4", attributes={"a": around}), "")
