"""Cells that may be missing: the data type `optional`, read as masked arrays, and the codec of the same name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataTypeValidationError, MetadataValidationError
from . import fills
from .checks import brief
from .codecs import SERIALIZER, Cells, Codec, Lowering, lower_chain, settle_chain
from .dtypes import DType

VALID, VALUE = "valid", "value"
"""The fields of such a cell in memory."""


class Optional(DType):
    """`optional`: a value of another type, or nothing. Results are masked arrays, missing cells masked.

    Writing takes masked arrays, `None` for a missing cell, and values without either. The fill value is
    `numpy.ma.masked`, or a value. Where what may be missing may be missing again, what is not masked is a structure of
    `valid` and `value`.

    Args:
        base: the type of the values.
        name: `optional`, or `zarrs.optional`.
    """

    __slots__ = ("base",)
    base: DType

    def __init__(self, base: DType, name: str = "optional") -> None:
        if base.vlen:
            raise DataTypeValidationError(
                f"cells of {base.name}, which varies in length, cannot be missing here; say it with an empty one"
            )
        super().__init__(name, base.memory)
        self.base = base

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype([(VALID, np.bool_), (VALUE, self.base.memory)])

    @property
    def translates(self) -> bool:
        return True

    @property
    def optional_depth(self) -> int:
        return 1 + self.base.optional_depth

    @property
    def typestr(self) -> Any:
        raise DataTypeValidationError("format 2 has no cells that may be missing; write format 3")

    def native(self) -> Self:
        return type(self)(self.base.native(), self.name)

    def configuration(self) -> dict[str, Any]:
        base = self.base.to_json()
        return {"name": base, "configuration": {}} if isinstance(base, str) else base

    def shown(self, cells: Any) -> Any:
        if not isinstance(cells, np.ndarray):
            if not cells[VALID]:
                return np.ma.masked
            return cells[VALUE] if self.base.optional_depth else self.base.shown(cells[VALUE])
        values: Any = np.array(cells[VALUE])
        if not self.base.optional_depth:
            values = self.base.shown(values)
        # Every field of a structure has a mask of its own in NumPy.
        mask: Any = np.zeros(values.shape, np.ma.make_mask_descr(values.dtype))
        mask[...] = ~cells[VALID]
        # NumPy's own choice of what stands in for a missing cell does not fit every type.
        empty: Any = np.zeros((), values.dtype)[()]
        return np.ma.MaskedArray(values, mask, fill_value=empty)

    def taken(self, values: Any) -> NDArray[Any]:
        is_memory = isinstance(values, (np.ndarray, np.void)) and values.dtype == self.memory
        if is_memory and not isinstance(values, np.ma.MaskedArray):
            return np.asarray(values)
        if values is None or values is np.ma.masked:
            return np.zeros((), self.memory)
        if isinstance(values, np.ma.MaskedArray):
            mask: NDArray[Any] = np.ma.getmaskarray(values)
            while mask.dtype.names is not None:
                mask = mask[mask.dtype.names[0]]
            return self._together(np.ma.getdata(values), mask)
        given = values if isinstance(values, np.ndarray) else np.asanyarray(values)
        if isinstance(given, np.ma.MaskedArray):
            return self.taken(given)
        if given.dtype.kind == "O":
            missing = np.frompyfunc(_is_missing, 1, 1)(given)
            mask = np.asarray(missing, np.bool_)
            zero = np.zeros((), self.base.memory)[()]
            filled = np.empty(given.shape, object)
            filled[...] = given
            if mask.any():
                filled[mask] = zero.item() if self.base.memory.names is None else None
            listed = filled.tolist()
            return self._together(listed, mask)
        return self._together(given, np.zeros(given.shape, np.bool_))

    def _together(self, values: Any, mask: NDArray[np.bool_]) -> NDArray[Any]:
        base = self.base
        plain = base.taken(values) if base.translates else np.asarray(values).astype(base.memory, copy=False)
        if plain.shape != mask.shape:
            raise ValueError(f"values of shape {plain.shape} have a mask of shape {mask.shape}")
        cells = np.zeros(mask.shape, self.memory)
        cells[VALID] = ~mask
        # What is missing holds zeros, so that chunks of nothing else are seen to be empty.
        cells[VALUE] = plain
        if mask.any():
            cells[mask] = np.zeros((), self.memory)
        return cells

    def _cast(self, value: Any) -> Any:
        if value is None or value is np.ma.masked:
            return np.ma.masked
        if self.base.optional_depth:
            return self.base.taken(value)[()]
        return self.base.cast(value)

    def default(self) -> Any:
        return np.ma.masked

    def cell(self, value: Any) -> bytes:
        if value is None or value is np.ma.masked:
            return bytes(self.memory.itemsize)
        inside = self.base.taken(value).tobytes() if self.base.optional_depth else self.base.cell(value)
        return b"\1" + inside

    def fill_from_json(self, value: object) -> Any:
        if value is None:
            return np.ma.masked
        inside = value[0] if type(value) is list and len(value) == 1 else value
        found = self.base.fill_from_json(inside)
        return fills.item(self.base.cell(found), self.base.memory) if self.base.optional_depth else found

    def fill_to_json(self, value: Any) -> Any:
        if value is None or value is np.ma.masked:
            return None
        if self.base.optional_depth:
            value = self.base.shown(value)
        return [self.base.fill_to_json(value)]


def base_of(data_type: DType) -> DType:
    """The type of the cells that are there."""
    return data_type.base if isinstance(data_type, Optional) else data_type


def _is_missing(value: object) -> bool:
    return value is None or value is np.ma.masked


class OptionalCodec(Codec):
    """Which cells are there, and the values of those that are, each through a chain of its own.

    Args:
        mask_codecs: the chain of the mask, booleans along one axis.
        data_codecs: the chain of the values that are there, along one axis.
    """

    __slots__ = ("data_codecs", "mask_codecs")
    name = "optional"
    kind = SERIALIZER
    mask_codecs: tuple[Codec, ...]
    data_codecs: tuple[Codec, ...]

    def __init__(self, mask_codecs: Sequence[Codec], data_codecs: Sequence[Codec]) -> None:
        self.mask_codecs = tuple(mask_codecs)
        self.data_codecs = tuple(data_codecs)
        for codec in (*self.mask_codecs, *self.data_codecs):
            if not isinstance(codec, Codec):
                raise MetadataValidationError(
                    f"codecs of {self.name!r} must be codec objects, not {brief(codec)}; zarrite.codecs has them"
                )

    def configuration(self) -> dict[str, Any]:
        return {
            "mask_codecs": [codec.to_json() for codec in self.mask_codecs],
            "data_codecs": [codec.to_json() for codec in self.data_codecs],
        }

    def settle(self, cells: Cells) -> Codec:
        if not cells.optional:
            raise MetadataValidationError(f"codec {self.name!r} stores cells that may be missing, not {cells}")
        count = (math.prod(cells.shape),)
        inside = cells.numpy[VALUE]
        mask = settle_chain(self.mask_codecs, Cells(np.dtype(np.bool_), None, count), f"mask_codecs of {self.name!r}")
        data = settle_chain(
            self.data_codecs, Cells(inside, None, count, cells.optional - 1), f"data_codecs of {self.name!r}"
        )
        return self if (mask, data) == (self.mask_codecs, self.data_codecs) else type(self)(mask, data)

    def lower(self, chain: Lowering) -> None:
        mask, data = Lowering(np.dtype(np.bool_), None, []), Lowering(chain.numpy[VALUE], None, [])
        lower_chain(self.mask_codecs, mask)
        lower_chain(self.data_codecs, data)
        if mask.handles or data.handles:
            raise MetadataValidationError(f"codec {self.name!r} takes no codecs that are written in Python")
        chain.steps.append(
            {
                "name": "optional",
                "cell_bytes": chain.numpy.itemsize,
                "mask_codecs": mask.steps,
                "data_codecs": data.steps,
            }
        )
        chain.numpy = np.dtype(np.uint8)


class ZarrsOptionalCodec(OptionalCodec):
    """The same under the name it has in zarrs."""

    __slots__ = ()
    name = "zarrs.optional"
