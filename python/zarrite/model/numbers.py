"""The numbers of the registered data types, by name: how many bits each has, whatever NumPy calls its cells."""

from __future__ import annotations

from ..errors import MetadataValidationError
from .codecs import Cells
from .dtype_names import PLAIN, dtype_from_json
from .dtypes import DType

INTEGERS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (2, 4, 8, 16, 32, 64)}
FLOATS = {
    "float4_e2m1fn": 4,
    "float6_e2m3fn": 6,
    "float6_e3m2fn": 6,
    "float8_e3m4": 8,
    "float8_e4m3": 8,
    "float8_e4m3fn": 8,
    "float8_e4m3b11fnuz": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "bfloat16": 16,
    "float16": 16,
    "float32": 32,
    "float64": 64,
}
BITS = {"bool": 1, **INTEGERS, **FLOATS}
"""Bits of a number; in memory it takes as many whole bytes as they need."""
COMPLEX = {"complex64": "float32", "complex128": "float64", **{f"complex_{name}": name for name in FLOATS}}
"""What a complex cell holds two of."""


def number_of(cells: Cells, codec: str) -> DType:
    """The data type of cells that a codec computes with, in this machine's byte order.

    Raises:
        MetadataValidationError: they are no integers and no floats.
    """
    name = cells.name
    if cells.vlen or (name not in INTEGERS and name not in FLOATS):
        raise MetadataValidationError(
            f"codec {codec!r} only supports integer and floating-point cells, and is given {cells}; leave it out for "
            "this data type"
        )
    known = PLAIN.get(name)
    return known if known is not None else cells.data_type or dtype_from_json(name)
