"""Floats of 4 to 16 bits and integers of 2 and 4: their bits, their fill values, and life without `ml_dtypes`."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.dtype import parse_dtype
from zarrite.errors import DataTypeValidationError, MetadataValidationError, ZarriteError
from zarrite.model import small

ml_dtypes = pytest.importorskip("ml_dtypes")
floats = pytest.mark.parametrize("name", sorted(small.FLOATS))


def codes_of(name: str) -> Any:
    bits = small.FLOATS[name].bits
    return np.arange(1 << bits).astype(np.uint16 if bits > 8 else np.uint8)


@floats
def test_every_pattern_of_bits_means_what_ml_dtypes_says(name: str) -> None:
    codes = codes_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NaNs that are cast
        wanted = codes.view(small.numpy_type(name)).astype(np.float64)
    found = np.array([small.FLOATS[name].value(int(code)) for code in codes])
    np.testing.assert_array_equal(found, wanted)
    assert np.signbit(found[found == 0]).tolist() == np.signbit(wanted[wanted == 0]).tolist()


@floats
def test_numbers_are_rounded_as_ml_dtypes_rounds(name: str) -> None:
    layout = small.FLOATS[name]
    own = np.array([layout.value(int(code)) for code in codes_of(name)[:: 7 if layout.bits > 8 else 1]])
    own = np.sort(own[np.isfinite(own)])
    random = np.random.default_rng(5)
    numbers = np.concatenate(
        [own, (own[1:] + own[:-1]) / 2, random.normal(size=300) * 10.0 ** random.integers(-6, 6, 300), [np.inf]]
    ).astype(np.float32)
    numbers = np.abs(numbers) if layout.specials == "scale" else numbers
    with np.errstate(all="ignore"):
        wanted = numbers.astype(small.numpy_type(name)).view(codes_of(name).dtype)
    for number, code in zip(numbers.tolist(), wanted.tolist(), strict=True):
        found = layout.code(number)
        # Beyond its range a type without infinities takes the largest or NaN in `ml_dtypes`, and is refused here.
        assert found == code or (found is None and (number == 0 or abs(number) > own[-1]))


@floats
def test_every_pattern_of_bits_can_be_the_fill_value(name: str) -> None:
    kind: Any = parse_dtype(name)
    for code in codes_of(name)[:: 97 if kind.layout.bits > 8 else 1].tolist():
        fill = kind.fill_from_json(f"0x{code:x}")
        assert kind.bits_of(fill) == code
        assert kind.bits_of(kind.fill_from_json(json.loads(json.dumps(kind.fill_to_json(fill))))) == code
        assert int.from_bytes(kind.cell(fill), sys.byteorder) == code
        assert kind.bits_of(kind.cast(fill)) == code


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("bfloat16", 0x7FC0),
        ("float8_e3m4", 0x78),
        ("float8_e4m3", 0x7C),
        ("float8_e4m3fn", 0x7F),
        ("float8_e4m3b11fnuz", 0x80),
        ("float8_e4m3fnuz", 0x80),
        ("float8_e5m2", 0x7E),
        ("float8_e5m2fnuz", 0x80),
        ("float8_e8m0fnu", 0xFF),
    ],
)
def test_the_word_nan_means_the_bits_of_the_specification(name: str, bits: int) -> None:
    kind: Any = parse_dtype(name)
    assert kind.bits_of(kind.fill_from_json("NaN")) == bits
    assert kind.fill_to_json(kind.fill_from_json("NaN")) == "NaN"
    assert kind.bits_of(kind.cast(math.nan)) == bits


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("float4_e2m1fn", "NaN"),
        ("float6_e2m3fn", "Infinity"),
        ("float8_e4m3fn", "Infinity"),
        ("float8_e4m3fn", 1000),
        ("float8_e8m0fnu", 0),
        ("float8_e8m0fnu", -1),
        ("bfloat16", "0x12345"),
        ("bfloat16", True),
        ("bfloat16", [1]),
        ("bfloat16", 10**400),
        ("int4", 8),
        ("int4", 1.5),
        ("uint2", -1),
        ("uint2", True),
        ("complex_float16", 1),
        ("complex_float8_e4m3", [1, "0x100"]),
    ],
)
def test_fill_values_that_a_type_does_not_have_are_refused(name: str, fill: Any) -> None:
    with pytest.raises(MetadataValidationError):
        parse_dtype(name).fill_from_json(fill)


@pytest.mark.parametrize("name", ["int2", "int4", "uint2", "uint4", "float4_e2m1fn", "float6_e3m2fn"])
def test_what_stands_above_the_bits_is_ignored_when_read_and_the_same_when_written(name: str) -> None:
    bits = small.INTEGERS.get(name) or small.FLOATS[name].bits
    array = zarrite.create_array(None, shape=(256,), dtype=name, compressors=None)
    array.store.put("c/0", bytes(range(256))).result()
    clean = array[...]
    low = np.arange(256).astype("u1") & ((1 << bits) - 1)
    assert clean.view("u1").tolist() == low.tolist()
    array[...] = np.arange(256).astype("u1").view(clean.dtype)
    stored = np.frombuffer(array.store.get("c/0").result(), "i1" if name[0] == "i" else "u1")
    wanted = clean.astype("i1") if name[0] == "i" else low
    assert stored.tolist() == wanted.tolist()


def test_numbers_of_other_types_are_taken_and_rounded() -> None:
    array = zarrite.create_array(None, shape=(4,), dtype="float8_e4m3")
    array[...] = [1.06, -2, 0.1, 240]
    assert array[...].astype("f4").tolist() == [1.0, -2.0, 0.1015625, 240.0]
    pairs = zarrite.create_array(None, shape=(2,), dtype="complex_bfloat16", fill_value=1 + 2j)
    pairs[0] = 3 - 4j
    assert pairs[...]["real"].tolist() == [3, 1]
    assert pairs[...]["imag"].tolist() == [-4, 2]
    with pytest.raises(TypeError, match="complex"):
        pairs[0] = "x"


def test_pairs_that_numpy_has_keep_the_name_they_were_read_with() -> None:
    for name, numpy in (("complex_float32", "complex64"), ("complex_float64", "complex128")):
        array = zarrite.create_array(None, shape=(2,), dtype=name, fill_value=1j)
        assert array.dtype == numpy
        assert zarrite.open_array(array.store).metadata.to_dict()["data_type"] == name


@pytest.mark.parametrize("name", ["float16", "bfloat16", "complex_bfloat16"])
def test_big_endian_bytes_are_turned(name: str) -> None:
    array = zarrite.create_array(
        None, shape=(2,), dtype=name, compressors=None, serializer={"name": "bytes", "configuration": {"endian": "big"}}
    )
    array[...] = np.array([1, -2]).astype("c8" if "complex" in name else "f4")
    assert array.store.get("c/0").result()[:2].hex() == ("3c00" if name == "float16" else "3f80")
    assert np.asarray(zarrite.open_array(array.store)[...]).tobytes() == array[...].tobytes()


WITHOUT = """
import sys
sys.modules["ml_dtypes"] = None
import numpy as np, zarrite
numpy_types = {"bfloat16": "u2", "float8_e5m2": "u1", "float6_e2m3fn": "u1", "int4": "i1", "uint2": "u1"}
for name, numpy in numpy_types.items():
    for number in (2, 3):
        array = zarrite.create_array({}, shape=(3,), dtype=name, fill_value=1, zarr_format=number)
        assert array.dtype == numpy, array.dtype
        array[:2] = np.array([0, 1], numpy)
        again = zarrite.open_array(array.store)
        assert again.metadata.to_dict()["fill_value"] == 1, again.metadata
        bits = {"bfloat16": 0x3f80, "float8_e5m2": 0x3c, "float6_e2m3fn": 8}.get(name, 1)
        assert again[...].tolist() == [0, 1, bits], again[...]
array = zarrite.create_array({}, shape=(3,), dtype="bfloat16")
try:
    array[0] = 1.5
except TypeError as error:
    assert "zarrite[ml]" in str(error)
else:
    raise AssertionError
"""


def test_without_ml_dtypes_cells_are_bits_and_numbers_are_refused(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, cwd=root / "python"
    )
    assert done.returncode == 0, done.stderr


def test_ml_dtypes_is_imported_only_when_such_a_type_is_met(root: Path) -> None:
    code = (
        "import sys, zarrite; zarrite.create_array({}, shape=1, dtype='f4')[:]; assert 'ml_dtypes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root / "python")


TENSORSTORE = ("float4_e2m1fn", "int2", "int4", *(name for name in small.FLOATS if name[5] == "8" or name[0] == "b"))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", sorted(set(TENSORSTORE) - {"float8_e4m3"}))
def test_tensorstore_reads_ours_and_we_read_its(name: str, zarr_format: int, tmp_path: Path) -> None:
    tensorstore = pytest.importorskip("tensorstore")
    if zarr_format == 2 and name in ("float4_e2m1fn", "float8_e8m0fnu"):
        pytest.skip("tensorstore wants the fill value of this type in a form of its own there")
    kind = parse_dtype(name)
    cells = np.random.default_rng(2).integers(0, 256, (5, 4)).astype("u1")
    cells = np.repeat(cells, 2, 1).view(kind.numpy) if kind.cell_bytes == 2 else cells.view(kind.numpy)
    cells = zarrite.array(cells)[...]  # without what stands above the bits
    ours = zarrite.create_array(tmp_path / "a", data=cells, chunks=(2, 3), zarr_format=zarr_format, fill_value=1)
    driver = "zarr" if zarr_format == 2 else "zarr3"

    def opened(path: Path, **more: Any) -> Any:
        place = {"driver": "file", "path": str(path)}
        return tensorstore.open({"driver": driver, "kvstore": place}, **more).result()

    def told(found: Any) -> list[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(one) for one in np.asarray(found).astype("f4").ravel().tolist()]

    assert told(opened(tmp_path / "a").read().result()) == told(cells)
    ours[...] = ours.fill_value
    opened(tmp_path / "a")[1:].write(np.asarray(cells[1:])).result()
    mine = zarrite.open_array(tmp_path / "a")[...]
    assert told(mine[1:]) == told(cells[1:])
    assert told(mine[0]) == ["1.0"] * 4


def test_long_doubles_are_refused_with_a_sentence() -> None:
    document = {"zarr_format": 2, "shape": [1], "chunks": [1], "compressor": None, "filters": None, "order": "C"}
    for typestr in ("<f16", ">f12", "<c32", [["a", "<f16"]]):
        store = {".zarray": json.dumps({**document, "fill_value": 0, "dtype": typestr}).encode()}
        with pytest.raises(DataTypeValidationError, match="differ from machine to machine"):
            zarrite.open_array(store)
    with pytest.raises(ZarriteError):
        parse_dtype("float128") if hasattr(np, "float128") else parse_dtype("no such")
