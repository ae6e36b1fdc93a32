"""What the hypothesis strategies of zarr-python draw data types and grids with, where that is its inside.

The strategies look at the classes of data types as dataclasses, to draw their parameters.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import inside
from hypothesis import settings

from zarrite.as_zarr import dtype
from zarrite.codecs import ShardingCodec
from zarrite.model.dtypes import DType
from zarrite.model.grids import Grid

__all__ = ["prepare"]

PARAMETERS = {
    "bool": (),
    "int8": (),
    "uint8": (),
    "numpy.datetime64": ("endianness", "unit", "scale_factor"),
    "numpy.timedelta64": ("endianness", "unit", "scale_factor"),
    "fixed_length_utf32": ("endianness", "length"),
    "null_terminated_bytes": ("length",),
    "raw_bytes": ("length",),
    "string": (),
    "variable_length_bytes": (),
    "struct": ("fields",),
}
EXAMPLES = int(os.environ.get("ZARRITE_EXAMPLES", "25"))
"""How many examples a property has, and how many lives a machine; the tests ask for 300."""
FILES = {"ZARR_JSON": "zarr.json", "ZARRAY_JSON": ".zarray", "ZATTRS_JSON": ".zattrs", "ZGROUP_JSON": ".zgroup"}
VARYING = ("string", "variable_length_bytes")


class _Fixed(type):
    def __subclasscheck__(cls, kind: type) -> bool:
        return getattr(kind, "word", None) not in VARYING

    def __instancecheck__(cls, instance: object) -> bool:
        return getattr(instance, "vlen", "") is None


class HasItemSize(metaclass=_Fixed):
    """Data types whose cells all have one size."""


class _Long(type):
    def __subclasscheck__(cls, kind: type) -> bool:
        return "length" in PARAMETERS.get(getattr(kind, "word", ""), ())


class HasLength(metaclass=_Long):
    """Data types that are made with a length."""


def prepare() -> None:
    """Makes classes of data types look as the strategies expect, and bounds the examples."""
    register = settings.register_profile

    def bounded(name: str, **asked: Any) -> None:
        register(name, **{**asked, "max_examples": EXAMPLES})

    type.__setattr__(settings, "register_profile", staticmethod(bounded))  # the class refuses a plain assignment
    dtype.HasItemSize = HasItemSize  # type: ignore[assignment, misc]
    for word, kind in dtype.data_type_registry.contents.items():
        names = PARAMETERS.get(word, ("endianness",))
        made: Any = dataclasses.make_dataclass(word.replace(".", "_"), names)
        kind.__dataclass_fields__ = made.__dataclass_fields__
    if not hasattr(ShardingCodec, "subchunk_write_order"):
        ShardingCodec.subchunk_write_order = "morton"  # type: ignore[attr-defined]
    inside.INSIDE.update({f"zarr.core.common.{name}": file for name, file in FILES.items()})
    DType.dtype_cls = property(lambda self: type(self.numpy))  # type: ignore[attr-defined]
    DType.item_size = property(lambda self: self.numpy.itemsize)  # type: ignore[attr-defined]
    inside.INSIDE["zarr.core.dtype.common.HasLength"] = HasLength
    for kind in (dtype.DateTime64, dtype.TimeDelta64):
        inside.INSIDE[f"zarr.core.dtype.npy.time.{kind.__name__}"] = kind
    Grid.to_dict = Grid.to_json  # type: ignore[attr-defined]
