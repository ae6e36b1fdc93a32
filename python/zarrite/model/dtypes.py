"""Data types: what one cell is, its name in v3 documents, its NumPy form, and its fill values.

One small class a family. `numpy` is the type of the arrays that reading gives; it is native for types that come from v3
documents and keeps its byte order for those that come from v2.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataTypeValidationError, MetadataValidationError
from . import fills
from .checks import Frozen, brief, integer, refuse, text

NATIVE = "<" if sys.byteorder == "little" else ">"
VLEN_CELL_BYTES = 16
"""What a cell of variable length takes inside the engine."""

Unit = tuple[int, int, int, str]
"""A run of numbers inside a cell: byte offset, bytes each, how many, byte order "<" or ">"."""


class DType(Frozen):
    """What one cell is.

    Other packages declare their own: a subclass with `from_configuration`, and what of the methods below it needs.

    Attributes:
        type_name: of a declared type, the name that `register_data_type` lists it by.
        name: the name in v3 documents, as it was spelled where it was read.
        numpy: the NumPy type of the results, byte order included.
        vlen: "string" or "bytes" when cells vary in length, else None.
    """

    __slots__ = ("name", "numpy")
    vlen: ClassVar[str | None] = None
    type_name: ClassVar[str]
    name: str
    numpy: np.dtype[Any]

    def __init__(self, name: str, numpy: np.dtype[Any]) -> None:
        self.name = name
        self.numpy = numpy

    @property
    def memory(self) -> np.dtype[Any]:
        """The NumPy type of the cells as the engine has them; the same as `numpy` unless the type translates."""
        return self.numpy

    @property
    def translates(self) -> bool:
        """Whether `shown` and `taken` stand between the engine's cells and the user's."""
        return False

    @property
    def asks(self) -> str | None:
        """The setting without which cells of this type are not touched, or None."""
        return None

    @property
    def typestr(self) -> Any:
        """What stands for the type where a document has NumPy's type strings.

        Raises:
            DataTypeValidationError: nothing does.
        """
        return self.numpy.str

    @property
    def optional_depth(self) -> int:
        """How many times a cell may be missing: 0 where it is always there."""
        return 0

    def shown(self, cells: Any) -> Any:
        """The engine's cells, an array or one cell, as the user gets them."""
        return cells

    def taken(self, values: Any) -> NDArray[Any]:
        """A user's values as cells for the engine: an array of the type `memory`."""
        return np.asarray(values, self.memory)

    def taken_one(self, value: Any) -> NDArray[Any]:
        """A user's value for a single cell, which may itself look like several."""
        return self.taken(value)

    @property
    def cell_bytes(self) -> int:
        """What one cell takes inside the engine, in bytes."""
        return self.memory.itemsize if self.vlen is None else VLEN_CELL_BYTES

    @property
    def units(self) -> tuple[Unit, ...]:
        """The numbers of more than one byte inside a cell, in order."""
        return units_of(self.memory)

    def native(self) -> Self:
        """The same type in this machine's byte order."""
        return self if self.numpy.isnative else type(self)(self.name, self.numpy.newbyteorder("="))

    def configuration(self) -> dict[str, Any]:
        """The parameters of the name in v3 documents."""
        return {}

    def __class_getitem__(cls, of: Any) -> type[Self]:
        """The class itself: annotations may name types of NumPy and scalars, as zarr-python's do."""
        return cls

    def to_json(self) -> str | dict[str, Any]:
        """The `data_type` member of v3 documents: a plain string where there are no parameters."""
        configuration = self.configuration()
        return {"name": self.name, "configuration": configuration} if configuration else self.name

    def to_native_dtype(self) -> np.dtype[Any]:
        """NumPy's type; the same as `numpy`, by the name zarr-python gives it."""
        return self.numpy

    def default_scalar(self) -> Any:
        """The same as `default`, by the name zarr-python gives it."""
        return self.default()

    def cast_scalar(self, data: Any) -> Any:
        """The same as `cast`, by the name zarr-python gives it."""
        return self.cast(data)

    def default(self) -> Any:
        """The fill value when nobody chose one."""
        return np.zeros((), self.numpy)[()]

    def cell(self, value: Any) -> bytes:
        """The bytes of a fill value as they lie in memory; for None zeros, or what a type has for nothing."""
        return bytes(self.numpy.itemsize) if value is None else fills.cell(value, self.numpy)

    def cast(self, value: Any) -> Any:
        """A user's fill value as a scalar of this type.

        Raises:
            DataTypeValidationError: the value does not fit.
        """
        try:
            return self._cast(value)
        except (TypeError, ValueError, OverflowError, LookupError) as error:
            why = f": {error}" if str(error) else ""
            if isinstance(value, (str, list, dict)):  # the forms documents use are welcome, too
                try:
                    return self.fill_from_json(value)
                except MetadataValidationError as form:
                    why = why or f": {form}"
            raise DataTypeValidationError(
                f"fill value {brief(value)} does not fit data type {self.name}{why}"
            ) from None

    def _cast(self, value: Any) -> Any:
        return fills.cast(value, self.numpy)

    def fill_from_json(self, value: object) -> Any:
        """The scalar a document's fill value means.

        Raises:
            MetadataValidationError: no such form, or out of range.
        """
        raise NotImplementedError

    def fill_to_json(self, value: Any) -> Any:
        """The JSON form of a fill value, which gives the same bits back."""
        raise NotImplementedError


class Bool(DType):
    """True or false, one byte."""

    __slots__ = ()

    def fill_from_json(self, value: object) -> Any:
        return fills.bool_from_json(value)

    def fill_to_json(self, value: Any) -> bool:
        return bool(value)


class Integer(DType):
    """Integers of 8 to 64 bits, with or without sign."""

    __slots__ = ()

    def fill_from_json(self, value: object) -> Any:
        return fills.int_from_json(value, self.numpy)

    def fill_to_json(self, value: Any) -> int:
        return int(value)


class Float(DType):
    """IEEE floats of 16 to 64 bits."""

    __slots__ = ()

    def fill_from_json(self, value: object) -> Any:
        return fills.float_from_json(value, self.numpy)

    def fill_to_json(self, value: Any) -> float | str:
        return fills.float_to_json(value, self.numpy)


class Complex(DType):
    """A real and an imaginary IEEE float."""

    __slots__ = ()

    def fill_from_json(self, value: object) -> Any:
        return fills.complex_from_json(value, self.numpy)

    def fill_to_json(self, value: Any) -> list[float | str]:
        return fills.complex_to_json(value, self.numpy)


class Time(DType):
    """`numpy.datetime64` and `numpy.timedelta64`: a count of units, 64 bits."""

    __slots__ = ()

    def configuration(self) -> dict[str, Any]:
        unit, scale = np.datetime_data(self.numpy)
        return {"unit": unit, "scale_factor": scale}

    def default(self) -> Any:
        return fills.time_from_json("NaT", self.numpy)

    def cell(self, value: Any) -> bytes:
        # Writers that say null leave chunks of nothing but NaT out.
        return super().cell(self.default() if value is None else value)

    def _cast(self, value: Any) -> Any:
        if isinstance(value, int) or np.asarray(value).dtype.kind in "iu":
            return fills.time_from_json(int(value), self.numpy)
        wanted = np.asarray((np.datetime64 if self.numpy.kind == "M" else np.timedelta64)(value))
        found = wanted.astype(self.numpy)
        if not np.isnat(wanted) and found.astype(wanted.dtype) != wanted:
            raise ValueError(f"it is no whole number of {self.numpy}")
        return found[()]

    def fill_from_json(self, value: object) -> Any:
        return fills.time_from_json(value, self.numpy)

    def fill_to_json(self, value: Any) -> int:
        return fills.time_to_json(value, self.numpy)


class Utf32(DType):
    """`fixed_length_utf32`: text of a fixed number of code points, padded with NULs."""

    __slots__ = ()

    def configuration(self) -> dict[str, Any]:
        return {"length_bytes": self.numpy.itemsize}

    def _cast(self, value: Any) -> Any:
        if value is None or (type(value) is int and value == 0):
            value = ""
        return self.fill_from_json(value)

    def fill_from_json(self, value: object) -> Any:
        found = unicode(value, "the fill value of text")
        if len(found) > self.numpy.itemsize // 4:
            refuse("the fill value of text", f"at most {self.numpy.itemsize // 4} characters", value)
        return np.str_(found)

    def fill_to_json(self, value: Any) -> str:
        return str(value)


class FixedBytes(DType):
    """`null_terminated_bytes`, `raw_bytes` and `r<N>`: a fixed number of bytes."""

    __slots__ = ()

    def configuration(self) -> dict[str, Any]:
        return {} if self.name[0] == "r" and self.name[1:].isdigit() else {"length_bytes": self.numpy.itemsize}

    def _cast(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.encode("ascii")
        elif value is None or (type(value) is int and value == 0):
            value = b""
        elif isinstance(value, (np.void, np.ndarray)):
            value = value.tobytes()
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError("it is neither bytes nor text")
        raw = bytes(value)
        if len(raw) > self.numpy.itemsize:
            raise ValueError(f"it holds {len(raw)} bytes, a cell {self.numpy.itemsize}")
        return fills.item(raw.ljust(self.numpy.itemsize, b"\0"), self.numpy)

    def cell(self, value: Any) -> bytes:
        raw = b"" if value is None else value.tobytes() if isinstance(value, np.void) else bytes(value)
        return raw.ljust(self.numpy.itemsize, b"\0")

    def fill_from_json(self, value: object) -> Any:
        terminated = self.numpy.kind == "S"
        raw = fills.fixed_bytes_from_json(value, self.numpy.itemsize, self.name, terminated=terminated)
        return fills.item(raw, self.numpy)

    def fill_to_json(self, value: Any) -> str | list[int]:
        raw = self.cell(value)
        return fills.base64(raw) if self.configuration() else list(raw)


class String(DType):
    """`string`: text of any length, UTF-8 when stored."""

    __slots__ = ()
    vlen = "string"

    def default(self) -> str:
        return ""

    def cell(self, value: Any) -> bytes:
        return b"" if value is None else str(value).encode("utf-8")

    def _cast(self, value: Any) -> Any:
        if value is None or (type(value) is int and value == 0):
            value = ""
        return self.fill_from_json(value)

    def fill_from_json(self, value: object) -> str:
        return unicode(value, "the fill value of string")

    def fill_to_json(self, value: Any) -> str:
        return str(value)


class VariableBytes(DType):
    """`bytes`: bytes of any length. Also spelled `variable_length_bytes` and `binary`."""

    __slots__ = ()
    vlen = "bytes"

    def default(self) -> bytes:
        return b""

    def cell(self, value: Any) -> bytes:
        return b"" if value is None else bytes(value)

    def _cast(self, value: Any) -> Any:
        if value is None or (type(value) is int and value == 0):
            value = b""
        if isinstance(value, (int, str)):
            raise TypeError
        return bytes(value)

    def fill_from_json(self, value: object) -> bytes:
        return fills.bytes_from_json(value, self.name)

    def fill_to_json(self, value: Any) -> str:
        return fills.base64(value)


def units_of(numpy: np.dtype[Any]) -> tuple[Unit, ...]:
    """The numbers of more than one byte inside a cell of a NumPy type, neighbours of one kind joined."""
    known = _UNITS.get(numpy)
    if known is None:
        joined: list[Unit] = []
        for offset, width, count, order in _walk(numpy, 0):
            if joined and joined[-1][1::2] == (width, order) and joined[-1][0] + width * joined[-1][2] == offset:
                joined[-1] = (joined[-1][0], width, joined[-1][2] + count, order)
            else:
                joined.append((offset, width, count, order))
        if len(_UNITS) > 1000:
            _UNITS.clear()
        known = _UNITS[numpy] = tuple(joined)
    return known


_UNITS: dict[np.dtype[Any], tuple[Unit, ...]] = {}


def _walk(numpy: np.dtype[Any], offset: int) -> list[Unit]:
    if numpy.subdtype is not None:
        item, shape = numpy.subdtype
        count = int(np.prod(shape, dtype=np.int64))
        return [unit for at in range(count) for unit in _walk(item, offset + at * item.itemsize)]
    if numpy.fields is not None:
        return [
            unit for name in numpy.names or () for unit in _walk(numpy.fields[name][0], offset + numpy.fields[name][1])
        ]
    width = {"c": numpy.itemsize // 2, "U": 4}.get(numpy.kind, numpy.itemsize)
    # NumPy says "V" of the number types that other packages add to it, such as bfloat16.
    is_number = numpy.kind in "iufcmMU" or (numpy.kind == "V" and numpy.type is not np.void)
    if not is_number or width < 2 or numpy.itemsize == 0:
        return []
    return [(offset, width, numpy.itemsize // width, NATIVE if numpy.isnative else ("<" if NATIVE == ">" else ">"))]


def unicode(value: object, what: str) -> str:
    """The value as text that every reader can hold."""
    found = str(text(value, what))
    try:
        found.encode("utf-8")
    except UnicodeEncodeError:
        refuse(what, "text without lone surrogates", value)
    return found


def fixed(name: str, letter: str, length: object, unit: int = 1) -> DType:
    """A type of a fixed number of bytes: text (`U`), padded bytes (`S`) or raw bytes (`V`)."""
    count = integer(length, f"length_bytes of {name}", low=unit, high=2**31 - 1)
    if count % unit:
        refuse(f"length_bytes of {name}", f"a multiple of {unit}", count)
    family = Utf32 if letter == "U" else FixedBytes
    return family(name, np.dtype(f"{letter}{count // unit}"))
