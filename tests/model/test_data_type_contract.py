"""Every data type, held to the contract: selections, writing, fill values, growing, against NumPy."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import dtype as types
from zarrite.dtype import DType, Float, parse_dtype, register_data_type
from zarrite.errors import DataTypeValidationError, MetadataValidationError
from zarrite.model import dtype_names, small
from zarrite.model.objects import Arrays, Categories
from zarrite.testing import DataTypeContract

ml_dtypes = pytest.importorskip("ml_dtypes")
RANDOM = np.random.default_rng(11)
SHAPE = (8, 10)


def list_of(base: Any, length: int) -> dict[str, Any]:
    return {"name": "fixed_size_list", "configuration": {"base_data_type": base, "list_size": length}}


class TestNumbersAndText(DataTypeContract):
    @pytest.fixture(
        params=["bool", "int8", "uint64", "float16", "float64", "complex64", "complex_float32", "M8[25s]", "S3"]
    )
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return parse_dtype(request.param)

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        return np.arange(80).reshape(SHAPE).astype("i8").astype(data_type.numpy)


class TestSmallFloats(DataTypeContract):
    @pytest.fixture(params=sorted(small.FLOATS))
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return parse_dtype(request.param)

    @pytest.fixture
    def cells(self, data_type: Any) -> Any:
        bits = data_type.layout.bits
        codes = RANDOM.integers(0, 1 << bits, SHAPE).astype(f"u{data_type.numpy.itemsize}")
        return codes.view(data_type.numpy)


class TestSmallIntegers(DataTypeContract):
    @pytest.fixture(params=sorted(small.INTEGERS))
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return parse_dtype(request.param)

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        return RANDOM.integers(0, 4, SHAPE).astype(np.int8).astype(data_type.numpy)


class TestPairs(DataTypeContract):
    @pytest.fixture(params=sorted(small.PAIRS))
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return parse_dtype(request.param)

    @pytest.fixture
    def cells(self, data_type: Any) -> Any:
        part = data_type.numpy["real"]
        layout = small.FLOATS.get(small.PAIRS[data_type.name])
        bits = 16 if layout is None else layout.bits
        codes = RANDOM.integers(0, 1 << bits, (2, *SHAPE)).astype(f"u{part.itemsize}")
        made = np.empty(SHAPE, data_type.numpy)
        made["real"], made["imag"] = codes.view(part)
        return made


class TestLists(DataTypeContract):
    @pytest.fixture(params=[list_of("float32", 3), list_of(list_of("int16", 2), 2), list_of("bfloat16", 2)])
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return parse_dtype(request.param)

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        made = np.empty(SHAPE, data_type.numpy)
        made["list"] = RANDOM.integers(0, 100, made["list"].shape).astype(made["list"].dtype)
        return made


class TestStructs(DataTypeContract):
    @pytest.fixture
    def data_type(self) -> DType:
        fields = [
            {"name": "a", "data_type": "int16"},
            {"name": "b", "data_type": list_of("float32", 2)},
            {"name": "c", "data_type": "bfloat16"},
            {"name": "d", "data_type": "complex_float8_e4m3"},
        ]
        return parse_dtype({"name": "struct", "configuration": {"fields": fields}})

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        return RANDOM.integers(0, 4, (*SHAPE, data_type.cell_bytes)).astype("u1").view(data_type.numpy)[..., 0]


class TestOptional(DataTypeContract):
    @pytest.fixture(params=["uint8", "float64", "int4", "bfloat16", "numpy.datetime64"])
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        base = {"name": request.param}
        if "numpy" in request.param:
            base["configuration"] = {"unit": "s", "scale_factor": 1}
        return parse_dtype({"name": "optional", "configuration": base})

    @pytest.fixture
    def cells(self, data_type: DType) -> Any:
        values = RANDOM.integers(0, 4, SHAPE).astype(np.int8).astype(data_type.numpy)
        mask = RANDOM.integers(0, 3, SHAPE) == 0
        values[mask] = np.zeros((), data_type.numpy)
        return np.ma.MaskedArray(values, mask, fill_value=np.zeros((), data_type.numpy)[()])

    @pytest.fixture
    def fills(self, data_type: DType, cells: Any) -> list[Any]:
        return [np.ma.masked, np.ones((), data_type.numpy)[()]]


class TestOptionalThroughItsOtherName(TestOptional):
    @pytest.fixture
    def data_type(self) -> DType:
        return parse_dtype({"name": "zarrs.optional", "configuration": {"name": "float32"}})


class TestJson(DataTypeContract):
    @pytest.fixture
    def data_type(self) -> DType:
        return parse_dtype("json")

    @pytest.fixture
    def cells(self) -> Any:
        made = np.empty(80, object)
        for at in range(80):
            made[at] = [at, str(at), [at, [at]], {"a": at}, None, at % 2 == 0, at / 7][at % 7]
        return made.reshape(SHAPE)

    @pytest.fixture
    def fills(self, cells: Any) -> list[Any]:
        return [None, 0, {"a": [1]}, "text"]


class Money(DType):
    """Amounts with some decimal places: floats for the user, integers in the store."""

    __slots__ = ("digits",)
    type_name = "example.money"
    digits: int

    def __init__(self, digits: int = 2) -> None:
        super().__init__(self.type_name, np.dtype("float64"))
        self.digits = digits

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Money:
        return cls(**configuration)

    def configuration(self) -> dict[str, Any]:
        return {"digits": self.digits}

    def native(self) -> Money:
        return self

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype("int64")

    @property
    def translates(self) -> bool:
        return True

    def shown(self, cells: Any) -> Any:
        return cells / 10**self.digits

    def taken(self, values: Any) -> Any:
        return np.round(np.asarray(values, "f8") * 10**self.digits).astype("i8")

    def cast(self, value: Any) -> Any:
        return np.float64(value)

    def cell(self, value: Any) -> bytes:
        return self.taken(0.0 if value is None else value).tobytes()

    def fill_from_json(self, value: object) -> Any:
        return np.float64(str(value))

    def fill_to_json(self, value: Any) -> float:
        return float(value)


class Kelvin(Float):
    """A float under another name: nothing to translate."""

    __slots__ = ()

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Kelvin:
        return cls("example.kelvin", np.dtype("f4"), **configuration)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtype_names.DATA_TYPES, "_known", {})
    register_data_type(Money)
    register_data_type(Kelvin, "example.kelvin")


@pytest.mark.usefixtures("declared")
class TestOneOfTheUser(DataTypeContract):
    @pytest.fixture(params=[Money, lambda: Money(3), lambda: Kelvin.from_configuration({})])
    def data_type(self, request: pytest.FixtureRequest) -> DType:
        return request.param()


@pytest.mark.usefixtures("declared")
def test_a_type_of_the_user_has_no_place_in_format_2() -> None:
    with pytest.raises(DataTypeValidationError, match="format 3"):
        zarrite.create_array(None, shape=(2,), dtype=Money(), zarr_format=2)


def test_a_type_that_a_package_declares_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "example.money", "package:Money"

        def load(self) -> type:
            return Money

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point()] if group == "zarrite.data_types" else [])
    monkeypatch.setattr(dtype_names.DATA_TYPES, "_known", {})
    monkeypatch.setattr(dtype_names.DATA_TYPES, "_plugins", None)
    assert parse_dtype({"name": "example.money", "configuration": {"digits": 3}}) == Money(3)
    with pytest.raises(MetadataValidationError, match="does not take the configuration"):
        parse_dtype({"name": "example.money", "configuration": {"decimals": 3}})
    with pytest.raises(DataTypeValidationError, match="entry point group"):
        parse_dtype({"name": "example.gold"})


def test_every_built_in_type_is_held_to_the_contract_here_or_elsewhere() -> None:
    held = {"json", "fixed_size_list", *small.NAMES, *dtype_names.OPTIONAL}
    assert held | set(dtype_names.PLAIN) >= set(dtype_names.PLAIN) | small.NAMES
    assert issubclass(Arrays, DType)
    assert issubclass(Categories, DType)
    assert {"Optional", "Json", "FixedSizeList", "SmallFloat", "SmallInteger", "Pair"} <= set(types.__all__)
