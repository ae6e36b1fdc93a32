"""`zarr.core.sync_group`: nodes of a store by their paths, for those who block."""

from __future__ import annotations

from typing import Any

from zarrite.array import Array
from zarrite.create import create_hierarchy
from zarrite.group import Group
from zarrite.open import open as open_node

__all__ = ["create_hierarchy", "get_node"]


def get_node(store: Any, path: str, zarr_format: int) -> Array | Group:
    """The array or group at a path, of one format.

    Raises:
        NodeNotFoundError: nothing is there (a `FileNotFoundError`).
    """
    return open_node(store, path=path, zarr_format=zarr_format, mode="r" if store.read_only else "r+")
