"""`zarr.types`: names for type annotations."""

from __future__ import annotations

from zarrite.array import Array
from zarrite.as_zarr.nodes import AsyncArray

__all__ = ["AnyArray", "AnyAsyncArray", "ArrayV2", "ArrayV3", "AsyncArrayV2", "AsyncArrayV3"]

AnyArray = ArrayV2 = ArrayV3 = Array
AnyAsyncArray = AsyncArrayV2 = AsyncArrayV3 = AsyncArray
