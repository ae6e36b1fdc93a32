"""`zarr.dtype`: data types by zarr-python's names. They are zarrite's, made and recognised by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from zarrite.dtype import parse_dtype as _parse_dtype
from zarrite.model.dtypes import DType, FixedBytes, Integer, Time, Utf32
from zarrite.model.structs import Struct as _Struct

__all__ = [
    "Bool",
    "Complex64",
    "Complex128",
    "DateTime64",
    "FixedLengthUTF32",
    "Float16",
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "NullTerminatedBytes",
    "RawBytes",
    "Struct",
    "Structured",
    "TimeDelta64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "VariableLengthBytes",
    "VariableLengthUTF8",
    "ZDType",
    "data_type_registry",
    "get_data_type_from_json",
    "get_data_type_from_native_dtype",
    "parse_dtype",
]

ZDType = DType
ZDTypeLike = TBaseDType = TBaseScalar = Any
HasItemSize = (Integer, FixedBytes, Utf32, Time)
DATETIME_UNIT = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "μs", "ns", "ps", "fs", "as", "generic")


def __getattr__(name: str) -> Any:
    if name == "DataTypeValidationError":
        from zarrite import errors

        warnings.warn(
            "take DataTypeValidationError from zarr.errors, and not from zarr.dtype, zarr.core.dtype or "
            "zarr.core.dtype.common",
            errors.ZarrDeprecationWarning,
            stacklevel=2,
        )
        return errors.DataTypeValidationError
    raise AttributeError(f"module 'zarr.dtype' has no attribute {name!r}")


class _Named(type):
    word: str
    letter: str | None

    def __instancecheck__(cls, instance: object) -> bool:
        if not isinstance(instance, DType):
            return False
        if cls.letter is not None:
            return instance.numpy.kind == cls.letter and instance.name == cls.word
        return instance.name == cls.word

    def from_native_dtype(cls, dtype: Any) -> DType:
        """The data type of one of NumPy's."""
        found = _parse_dtype(dtype)
        if not isinstance(found, cls):
            raise TypeError(f"{dtype!r} is no {cls.__name__}")
        return found

    def from_json(cls, data: Any, *, zarr_format: int = 3) -> DType:
        """The data type that a document's entry describes."""
        return get_data_type_from_json(data, zarr_format=zarr_format)


class _Type(metaclass=_Named):
    word = ""
    letter: str | None = None

    def __new__(cls, *, endianness: str = "little", **settings: Any) -> Any:
        return _parse_dtype(cls._numpy(endianness, settings))

    @classmethod
    def _numpy(cls, endianness: str, settings: dict[str, Any]) -> Any:
        native = np.dtype(cls.word)
        return native.newbyteorder(">") if endianness == "big" else native


def _plain(name: str, word: str) -> Any:
    return _Named(name, (_Type,), {"word": word, "letter": None, "__doc__": f"{word}.", "__module__": __name__})


Bool = _plain("Bool", "bool")
Int8, Int16, Int32, Int64 = (_plain(f"Int{bits}", f"int{bits}") for bits in (8, 16, 32, 64))
UInt8, UInt16, UInt32, UInt64 = (_plain(f"UInt{bits}", f"uint{bits}") for bits in (8, 16, 32, 64))
Float16, Float32, Float64 = (_plain(f"Float{bits}", f"float{bits}") for bits in (16, 32, 64))
Complex64, Complex128 = _plain("Complex64", "complex64"), _plain("Complex128", "complex128")


class DateTime64(_Type):
    """Points in time."""

    word = "numpy.datetime64"
    code = "M8"

    @classmethod
    def _numpy(cls, endianness: str, settings: dict[str, Any]) -> Any:
        unit, factor = settings.get("unit", "generic"), settings.get("scale_factor", 1)
        text = cls.code if unit == "generic" else f"{cls.code}[{factor}{unit}]"
        return np.dtype(text).newbyteorder(">" if endianness == "big" else "<")


class TimeDelta64(DateTime64):
    """Lengths of time."""

    word = "numpy.timedelta64"
    code = "m8"


class _Sized(_Type):
    code = ""

    @classmethod
    def _numpy(cls, endianness: str, settings: dict[str, Any]) -> Any:
        return np.dtype(f"{'>' if endianness == 'big' else '<'}{cls.code}{settings['length']}")


class FixedLengthUTF32(_Sized):
    """Text of so many characters."""

    word = "fixed_length_utf32"
    code = "U"


class NullTerminatedBytes(_Sized):
    """So many bytes, of which zeros at the end do not count."""

    word = "null_terminated_bytes"
    code = "S"


class RawBytes(_Sized):
    """So many bytes."""

    word = "raw_bytes"
    code = "V"


class VariableLengthUTF8(_Type):
    """Text."""

    word = "string"

    @classmethod
    def _numpy(cls, endianness: str, settings: dict[str, Any]) -> Any:
        return "string"


class VariableLengthBytes(_Type):
    """Bytes, each cell with its own count."""

    word = "variable_length_bytes"

    @classmethod
    def _numpy(cls, endianness: str, settings: dict[str, Any]) -> Any:
        return "variable_length_bytes"


class Struct(_Type):
    """Cells of several fields."""

    word = "struct"

    def __new__(cls, *, fields: Any) -> Any:
        return _Struct(tuple((name, parse_dtype(kind)) for name, kind in fields))


Structured = Struct


def parse_dtype(dtype: Any, *, zarr_format: int = 3) -> DType:
    """The data type that something means."""
    return dtype if isinstance(dtype, DType) else _parse_dtype(dtype)


def get_data_type_from_native_dtype(dtype: Any) -> DType:
    """The data type of one of NumPy's."""
    return parse_dtype(dtype)


def get_data_type_from_json(data: Any, *, zarr_format: int = 3) -> DType:
    """The data type that a document's entry describes."""
    from zarrite.formats.loose import dtype_from_document

    return dtype_from_document(data, zarr_format)


class _Registry:
    """Data types by name.

    Attributes:
        contents: their classes, by name.
    """

    def __init__(self, *kinds: Any) -> None:
        self.contents = {kind.word: kind for kind in kinds}

    def get(self, key: str) -> Any:
        """The class of a name.

        Raises:
            KeyError: there is none of that name.
        """
        return self.contents[key]

    def match_dtype(self, dtype: Any) -> DType:
        """The data type of one of NumPy's."""
        return parse_dtype(dtype)

    def match_json(self, data: Any, *, zarr_format: int = 3) -> DType:
        """The data type that a document's entry describes."""
        return get_data_type_from_json(data, zarr_format=zarr_format)


data_type_registry = _Registry(
    Bool,
    *(Int8, Int16, Int32, Int64),
    *(UInt8, UInt16, UInt32, UInt64),
    *(Float16, Float32, Float64, Complex64, Complex128),
    *(FixedLengthUTF32, VariableLengthUTF8, RawBytes, NullTerminatedBytes, VariableLengthBytes),
    *(Struct, DateTime64, TimeDelta64),
)
