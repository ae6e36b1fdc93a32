"""`zarr.core` and the small modules in it: what other packages take from there."""

from __future__ import annotations

from typing import Any

from zarrite.array import Array
from zarrite.as_zarr.coding import ArrayConfig
from zarrite.as_zarr.nodes import AsyncArray, AsyncGroup
from zarrite.attributes import Attributes
from zarrite.config import Config, config
from zarrite.create import create_array, from_array
from zarrite.group import Group

__all__ = [
    "Array",
    "ArrayConfig",
    "AsyncArray",
    "AsyncGroup",
    "Attributes",
    "BadConfigError",
    "CompressorsLike",
    "Config",
    "FiltersLike",
    "Group",
    "SerializerLike",
    "ShardsLike",
    "config",
    "create_array",
    "from_array",
]

CompressorsLike = FiltersLike = SerializerLike = ShardsLike = Any


class BadConfigError(ValueError):
    """A setting has a value that it cannot have."""


def parse_indexing_order(data: Any) -> str:
    """The order of an array in memory.

    Raises:
        ValueError: it is neither "C" nor "F".
    """
    if data not in ("C", "F"):
        raise ValueError(f"Expected one of ('C', 'F'), got {data} instead.")
    return str(data)
