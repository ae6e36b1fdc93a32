"""From a name to a data type: v3 documents' names, and everything a user may pass as `dtype`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BaseZarrError, DataTypeValidationError, MetadataValidationError, meant
from .checks import brief, integer, named, only, refuse, text
from .dtypes import (
    Bool,
    Complex,
    DType,
    FixedBytes,
    Float,
    Integer,
    String,
    Time,
    Utf32,
    VariableBytes,
    fixed,
)
from .lists import FixedSizeList, Subarray, fixed_size_list
from .nullable import Optional
from .objects import Json
from .registry import Registry
from .small import NAMES as SMALL, small
from .structs import Struct

UNITS = ("generic", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
MICROSECONDS = ("\u03bcs", "\u00b5s")
MAX_STRUCT_DEPTH = 32

PLAIN: dict[str, DType] = {
    "bool": Bool("bool", np.dtype(np.bool_)),
    **{name: Integer(name, np.dtype(name)) for bits in (8, 16, 32, 64) for name in (f"int{bits}", f"uint{bits}")},
    **{name: Float(name, np.dtype(name)) for name in ("float16", "float32", "float64")},
    "complex64": Complex("complex64", np.dtype("c8")),
    "complex128": Complex("complex128", np.dtype("c16")),
    "complex_float32": Complex("complex_float32", np.dtype("c8")),
    "complex_float64": Complex("complex_float64", np.dtype("c16")),
    "string": String("string", np.dtypes.StringDType()),
    **{name: VariableBytes(name, np.dtype("O")) for name in ("bytes", "variable_length_bytes", "binary")},
    "json": Json("json", np.dtype("O")),
}
"""The types that a name alone describes."""

KINDS = {"b": Bool, "i": Integer, "u": Integer, "f": Float, "c": Complex}


def dtype_from_json(value: object, depth: int = 0) -> DType:
    """The data type a v3 document names.

    Raises:
        DataTypeValidationError: no data type has the name.
        MetadataValidationError: its configuration is not what the type needs.
    """
    if type(value) is str:
        found = PLAIN.get(value)
        if found is not None:
            return found
    name, configuration = named(value, "data type")
    what = f"data type {name!r}"
    found = PLAIN.get(name)
    if found is None and name in SMALL:
        found = small(name)
    if found is not None:
        only(configuration, (), what)
        return found
    if name in OPTIONAL:
        return optional_from_json(name, configuration, depth)
    if name == "fixed_size_list":
        only(configuration, ("base_data_type", "list_size"), what)
        if depth >= MAX_STRUCT_DEPTH:
            raise MetadataValidationError(f"lists inside lists go deeper than {MAX_STRUCT_DEPTH}; flatten the type")
        return fixed_size_list(
            dtype_from_json(configuration.get("base_data_type"), depth + 1), configuration.get("list_size")
        )
    if name in ("numpy.datetime64", "numpy.timedelta64"):
        only(configuration, ("unit", "scale_factor"), what)
        return time(name, configuration)
    if name in FIXED:
        only(configuration, ("length_bytes",), what)
        letter, unit = FIXED[name]
        return fixed(name, letter, configuration.get("length_bytes"), unit)
    if name in ("struct", "structured"):
        only(configuration, ("fields",), what)
        return struct_from_json(name, configuration.get("fields"), depth)
    if name[0:1] == "r" and name[1:].isdecimal() and len(name) < 12:
        only(configuration, (), what)
        return raw_bits(name)
    declared = DATA_TYPES.get(name)
    if declared is None:
        known = sorted(
            (*PLAIN, *SMALL, *FIXED, *OPTIONAL, *TIMES, "fixed_size_list", "r<bits>", "struct", "structured")
        )
        raise DataTypeValidationError(
            f"{what} is not known"
            + (
                meant(name, known)
                or f"; known: {', '.join(known)}. A package can add one with the entry point group 'zarrite.data_types'"
            )
        )
    return _declared(declared, configuration, what)


DATA_TYPES: Registry[Any] = Registry("data_type", {}, error=DataTypeValidationError)
"""Data types that users and other packages declare, by name; the built-in ones are known without."""


def register_data_type(data_type: type[DType], name: str | None = None) -> None:
    """Makes a data type known under its name, for this process.

    Packages do the same for every process with the entry point group `zarrite.data_types`.

    Args:
        data_type: a subclass of `DType` with a class method `from_configuration(configuration)`.
        name: the name in documents; left out, the class attribute `type_name`.
    """
    DATA_TYPES.add(name or data_type.type_name, data_type)


def _declared(declared: Any, configuration: dict[str, Any], what: str) -> DType:
    try:
        found = declared.from_configuration(configuration)
    except BaseZarrError:
        raise
    except Exception as error:
        raise MetadataValidationError(
            f"{what} does not take the configuration {brief(configuration)}: {error}"
        ) from error
    if not isinstance(found, DType):
        raise MetadataValidationError(f"{what} is declared by a class that makes no DType but {brief(found)}")
    return found


def optional_from_json(name: str, configuration: dict[str, Any], depth: int) -> DType:
    """A type whose cells may be missing; its configuration is the definition of the type when they are not."""
    if depth >= MAX_STRUCT_DEPTH:
        raise MetadataValidationError(f"types inside types go deeper than {MAX_STRUCT_DEPTH}; nest fewer")
    base: dict[str, Any] = {key: value for key, value in configuration.items() if value != {}}
    return Optional(dtype_from_json(base, depth + 1), name)


OPTIONAL = ("optional", "zarrs.optional")
FIXED = {"fixed_length_utf32": ("U", 4), "null_terminated_bytes": ("S", 1), "raw_bytes": ("V", 1)}
TIMES = ("numpy.datetime64", "numpy.timedelta64")


def raw_bits(name: str) -> DType:
    """`r<N>`: N bits, a multiple of eight, that mean nothing to anyone here."""
    bits = int(name[1:])
    if bits == 0 or bits % 8:
        refuse(f"the bits of data type {name!r}", "a positive multiple of 8", bits)
    return FixedBytes(name, np.dtype(f"V{bits // 8}"))


def time(name: str, configuration: dict[str, Any]) -> DType:
    """A date or a duration, in multiples of a unit."""
    unit = text(configuration.get("unit"), f"unit of {name}")
    unit = "us" if unit in MICROSECONDS else unit
    if unit not in UNITS:
        refuse(f"unit of {name}", "one of " + ", ".join(UNITS), unit)
    scale = integer(configuration.get("scale_factor"), f"scale_factor of {name}", low=1, high=2**31 - 1)
    letter = "M8" if name == "numpy.datetime64" else "m8"
    if unit == "generic":
        if scale != 1:
            refuse(f"scale_factor of {name}", "1 for the unit 'generic'", scale)
        return Time(name, np.dtype(letter))
    return Time(name, np.dtype(f"{letter}[{scale}{unit}]"))


def struct_from_json(name: str, fields: object, depth: int) -> DType:
    """A struct, from a list of objects (`struct`) or of pairs (`structured`)."""
    if not isinstance(fields, list):
        refuse(f"fields of {name}", "a list", fields)
    if depth >= MAX_STRUCT_DEPTH:
        raise MetadataValidationError(f"structs inside structs go deeper than {MAX_STRUCT_DEPTH}; flatten the type")
    entries = []
    for field in fields:
        if isinstance(field, dict):
            only(field, ("name", "data_type"), f"a field of {name}")
            label, kind = field.get("name"), field.get("data_type")
        elif isinstance(field, list) and len(field) == 2:
            label, kind = field
        else:
            refuse(f"each field of {name}", "an object with name and data_type", field)
        label = text(label, f"the name of each field of {name}")
        if not label:
            refuse(f"the name of each field of {name}", "a string that is not empty", label)
        inside = dtype_from_json(kind, depth + 1)
        entries.append((label, inside.as_field() if isinstance(inside, FixedSizeList) else inside))
    return Struct(tuple(entries), name)


def dtype_from_numpy(numpy: np.dtype[Any]) -> DType:
    """The data type whose results have a NumPy type; byte orders are kept, padding between fields is not.

    Raises:
        DataTypeValidationError: nothing that is stored has this type.
    """
    known = _FROM_NUMPY.get(numpy)
    if known is None:
        known = _from_numpy(numpy)
        if len(_FROM_NUMPY) > 1000:
            _FROM_NUMPY.clear()
        _FROM_NUMPY[numpy] = known
    return known


_FROM_NUMPY: dict[np.dtype[Any], DType] = {}


def _from_numpy(numpy: np.dtype[Any]) -> DType:
    if numpy.subdtype is not None:
        return Subarray(dtype_from_numpy(numpy.subdtype[0]), numpy.subdtype[1])
    if numpy.fields is not None:
        return Struct(tuple((name, dtype_from_numpy(numpy.fields[name][0])) for name in numpy.names or ()))
    kind = numpy.kind
    if numpy.type is not np.void and numpy.name in SMALL:
        return small(numpy.name)
    if kind in KINDS and numpy.newbyteorder("=").name in PLAIN:
        return KINDS[kind](numpy.newbyteorder("=").name, numpy)
    if kind in "mM":
        return Time("numpy.datetime64" if kind == "M" else "numpy.timedelta64", numpy)
    if kind == "U":
        return Utf32("fixed_length_utf32", numpy)
    if kind == "S":
        return FixedBytes("null_terminated_bytes", numpy)
    if kind == "V":
        return FixedBytes("raw_bytes", numpy)
    if kind == "T":
        return PLAIN["string"]
    raise DataTypeValidationError(
        f"NumPy type {numpy} cannot be stored; "
        + ("say what the objects are: dtype='string' or dtype='bytes'" if kind == "O" else "convert it to one that can")
    )


def parse_dtype(value: Any) -> DType:
    """The data type a user means.

    Args:
        value: a NumPy type or anything `numpy.dtype` takes, a v3 name or object, `str` or "string" for text of any
            length, `bytes` or "bytes" for bytes of any length, a list of fields, or a data type itself.

    Raises:
        DataTypeValidationError: none of these.

    Example:
        >>> parse_dtype("float32").numpy
        dtype('float32')
        >>> parse_dtype(str).name
        'string'
    """
    if isinstance(value, DType):
        return value
    try:
        found = _PARSED.get(value)
    except TypeError:  # a list or a dict, which cannot be a key
        return _parse(value)
    if found is None:
        found = _parse(value)
        if len(_PARSED) > 1000:
            _PARSED.clear()
        _PARSED[value] = found
    return found


_PARSED: dict[Any, DType] = {}


def _parse(value: Any) -> DType:
    if value is str or value in ("str", "string", "unicode"):
        return PLAIN["string"]
    if value is bytes:
        return PLAIN["bytes"]
    if isinstance(value, dict):
        return dtype_from_json(value)
    if isinstance(value, str):
        if value in PLAIN or value in SMALL or (value[0:1] == "r" and value[1:].isdecimal()):
            return dtype_from_json(value)
    elif hasattr(value, "to_native_dtype"):  # a data type object of zarr-python
        native = value.to_native_dtype()
        if native.kind == "O":  # NumPy does not say of what
            return dtype_from_json(value.to_json(zarr_format=3))
        value = native
    if value is None:
        raise DataTypeValidationError("dtype must be given: a NumPy type or the name of a data type, not None")
    if isinstance(value, list):
        value = [tuple(field) if isinstance(field, list) else field for field in value]
    try:
        numpy = np.dtype(value)
    except (TypeError, ValueError) as error:
        if isinstance(value, str) and value in DATA_TYPES:
            return dtype_from_json(value)
        near = meant(value, (*PLAIN, *SMALL, *FIXED, *TIMES, "datetime64", "timedelta64"))
        raise DataTypeValidationError(f"dtype {brief(value)} is no data type: {error}{near}") from None
    if numpy.itemsize == 0:
        raise DataTypeValidationError(
            f"dtype {brief(value)} has no length; say how many bytes or characters a cell has ('S8', 'U8'), "
            "or take 'bytes' or 'string' for cells of any length"
        )
    return dtype_from_numpy(numpy)
