"""`zarr.core.indexing`: the brackets of arrays, and words for type annotations."""

from __future__ import annotations

from typing import Any

from zarrite.as_zarr.nodes import AsyncOIndex, AsyncVIndex
from zarrite.errors import BoundsCheckError, NegativeStepError, VindexInvalidSelectionError
from zarrite.indexing import BlockIndex, OIndex, VIndex

__all__ = [
    "AsyncOIndex",
    "AsyncVIndex",
    "BasicSelection",
    "BlockIndex",
    "BoundsCheckError",
    "CoordinateSelection",
    "MaskSelection",
    "NegativeStepError",
    "OIndex",
    "OrthogonalSelection",
    "Selection",
    "VIndex",
    "VindexInvalidSelectionError",
]

Selection = BasicSelection = OrthogonalSelection = CoordinateSelection = MaskSelection = Any
