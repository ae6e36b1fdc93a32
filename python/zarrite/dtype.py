"""Data types: what a cell can be, and what `dtype=` takes.

Some have no NumPy type of their own:

- floats of 4 to 16 bits and integers of 2 and 4 are those of the package `ml_dtypes` (extra `zarrite[ml]`; without it
  floats are their bits); complex pairs of them are structures of `real` and `imag`;
- `fixed_size_list` is a structure of one field, `list`; writing takes arrays with one axis more, too;
- `optional` reads as masked arrays, and writing takes these and `None`;
- `json` reads as Python objects, a list or tuple that is written being cells along one axis.

Example:
    >>> from zarrite.dtype import parse_dtype
    >>> parse_dtype("datetime64[ns]").to_json()
    {'name': 'numpy.datetime64', 'configuration': {'unit': 'ns', 'scale_factor': 1}}
"""

from .model.dtype_names import parse_dtype, register_data_type
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
from .model.lists import FixedSizeList
from .model.nullable import Optional
from .model.objects import Json
from .model.small import Pair, SmallFloat, SmallInteger
from .model.structs import Struct

__all__ = [
    "Bool",
    "Complex",
    "DType",
    "FixedBytes",
    "FixedSizeList",
    "Float",
    "Integer",
    "Json",
    "Optional",
    "Pair",
    "SmallFloat",
    "SmallInteger",
    "String",
    "Struct",
    "Time",
    "Utf32",
    "VariableBytes",
    "parse_dtype",
    "register_data_type",
]
