"""Cells of no length, `|S0` and its like, which format 2 has because NumPy makes them of nothing but empty texts.

NumPy cannot keep an array of them: it gives every cell one byte. So they are read as that byte, and stored as nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DataTypeValidationError
from ..model.codecs import Cells, Codec, Lowering, MemoryBytes
from ..model.dtypes import DType


class EmptyType(DType):
    """Text or bytes of no length.

    Attributes:
        typestr: how format 2 spells it.
    """

    __slots__ = ("typestr",)
    typestr: str

    def __init__(self, typestr: str) -> None:
        super().__init__("empty", np.dtype(f"{typestr[1]}1"))
        self.typestr = typestr

    def to_json(self) -> str | dict[str, Any]:
        raise DataTypeValidationError(
            f"cells of no length ({self.typestr}) have no name in format 3; give them a length"
        )

    def fill_from_json(self, value: object) -> Any:  # noqa: ARG002 - whatever it is, nothing of it fits
        return self.default()

    def fill_to_json(self, value: Any) -> str:  # noqa: ARG002
        return ""


class EmptyBytes(MemoryBytes):
    """The way from such cells to no bytes at all, and back.

    Attributes:
        plain_bytes: what the cells of a chunk take in memory.
    """

    __slots__ = ("plain_bytes",)
    plain_bytes: int

    def __init__(self, plain_bytes: int = 0) -> None:
        super().__init__()
        self.plain_bytes = plain_bytes

    def settle(self, cells: Cells) -> Codec:
        return EmptyBytes(math.prod(cells.shape) * cells.numpy.itemsize)

    def lower(self, chain: Lowering) -> None:
        chain.in_python(self, self.name, self.kind, 0)

    def encode(self, data: bytes) -> bytes:  # noqa: ARG002 - there is nothing in them
        """Nothing."""
        return b""

    def decode(self, data: bytes) -> bytes:  # noqa: ARG002
        """Empty cells."""
        return bytes(self.plain_bytes)
