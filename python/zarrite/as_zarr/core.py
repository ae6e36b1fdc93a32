"""`zarr.core` and the small modules in it: what other packages take from there."""

from __future__ import annotations

from typing import Any

from zarrite.array import Array
from zarrite.as_zarr.coding import ArrayConfig
from zarrite.as_zarr.nodes import AsyncArray, AsyncGroup
from zarrite.as_zarr.waiting import create_array, from_array
from zarrite.attributes import Attributes
from zarrite.group import Group

__all__ = [
    "Array",
    "ArrayConfig",
    "AsyncArray",
    "AsyncGroup",
    "Attributes",
    "CompressorsLike",
    "FiltersLike",
    "Group",
    "SerializerLike",
    "ShardsLike",
    "create_array",
    "from_array",
]

CompressorsLike = FiltersLike = SerializerLike = ShardsLike = Any
