"""Chunked n-dimensional arrays in the Zarr format: declared in Python, run in Rust.

>>> import numpy as np, zarrite
>>> array = zarrite.create_array(None, shape=(100, 100), chunks=(10, 10), dtype="float32")
>>> array[:10] = 1
>>> float(array[5:15, 0].sum())
5.0
"""

from typing import TYPE_CHECKING, Any

from zarrite._engine import __version__
from zarrite.array import Array
from zarrite.config import config
from zarrite.create import (
    array,
    create,
    create_array,
    create_group,
    create_hierarchy,
    empty,
    empty_like,
    from_array,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from zarrite.errors import MissingDependencyError
from zarrite.group import Group
from zarrite.open import (
    consolidate_metadata,
    group,
    open,
    open_array,
    open_consolidated,
    open_group,
    open_like,
    tree,
)

if TYPE_CHECKING:
    from zarrite.as_zarr import install_as_zarr
    from zarrite.as_zarr.nodes import AsyncArray, AsyncGroup
    from zarrite.saving import load, save, save_array, save_group

__all__ = [
    "Array",
    "AsyncArray",
    "AsyncGroup",
    "Group",
    "__version__",
    "array",
    "check",
    "codecs",
    "config",
    "consolidate_metadata",
    "convert",
    "copy",
    "create",
    "create_array",
    "create_group",
    "create_hierarchy",
    "delete",
    "dtype",
    "empty",
    "empty_like",
    "errors",
    "from_array",
    "full",
    "full_like",
    "group",
    "install_as_zarr",
    "load",
    "move",
    "ones",
    "ones_like",
    "open",
    "open_array",
    "open_consolidated",
    "open_group",
    "open_like",
    "pack",
    "progress",
    "save",
    "save_array",
    "save_group",
    "stage",
    "stats",
    "storage",
    "transaction",
    "tree",
    "unpack",
    "zeros",
    "zeros_like",
]

# Loaded when they are first asked for, so that importing zarrite stays cheap.
_LATE_MODULES = frozenset(
    {
        "arrow",
        "check",
        "codecs",
        "convert",
        "crops",
        "dask",
        "dtype",
        "errors",
        "progress",
        "storage",
        "testing",
        "torch",
        "xarray",
    }
)
_LATE_NAMES = {
    "AsyncArray": "as_zarr.nodes",
    "AsyncGroup": "as_zarr.nodes",
    "install_as_zarr": "as_zarr",
    "copy": "copying",
    "delete": "copying",
    "load": "saving",
    "move": "copying",
    "pack": "packing",
    "save": "saving",
    "save_array": "saving",
    "save_group": "saving",
    "stage": "staging",
    "stats": "statistics",
    "transaction": "transactions",
    "unpack": "packing",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in _LATE_MODULES:
        try:
            return importlib.import_module(f"zarrite.{name}")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != name:
                raise
            raise MissingDependencyError(name, f"zarrite.{name}", name) from error
    if name in _LATE_NAMES:
        return getattr(importlib.import_module(f"zarrite.{_LATE_NAMES[name]}"), name)
    raise importlib.import_module("zarrite.model.gone").no_attribute(__name__, name)


def __dir__() -> list[str]:
    return sorted(__all__)
