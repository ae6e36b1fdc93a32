"""Data types: what a cell can be, and what `dtype=` takes.

Example:
    >>> from zarrite.dtype import parse_dtype
    >>> parse_dtype("datetime64[ns]").to_json()
    {'name': 'numpy.datetime64', 'configuration': {'unit': 'ns', 'scale_factor': 1}}
"""

from .model.dtype_names import parse_dtype
from .model.dtypes import (
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
)
from .model.structs import Struct

__all__ = [
    "Bool",
    "Complex",
    "DType",
    "FixedBytes",
    "Float",
    "Integer",
    "String",
    "Struct",
    "Time",
    "Utf32",
    "VariableBytes",
    "parse_dtype",
]
