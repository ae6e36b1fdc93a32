"""Structs: cells made of named fields."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import MetadataValidationError
from . import fills
from .checks import brief, refuse
from .dtypes import NATIVE, DType


class Struct(DType):
    """`struct`: named fields one after the other, without padding.

    Attributes:
        entries: name and type of each field, in order.
    """

    __slots__ = ("entries",)
    entries: tuple[tuple[str, DType], ...]

    def __init__(self, entries: tuple[tuple[str, DType], ...], name: str = "struct") -> None:
        if not entries:
            raise MetadataValidationError("a struct must have at least one field")
        names = [field for field, _ in entries]
        if len(set(names)) != len(names):
            raise MetadataValidationError(f"the fields of a struct must have different names, not {brief(names)}")
        for field, kind in entries:
            if kind.vlen:
                raise MetadataValidationError(
                    f"field {field!r} is {kind.name}, which varies in length; fields have a fixed length"
                )
        try:
            numpy = np.dtype([(field, kind.memory) for field, kind in entries])
        except ValueError as error:  # longer than NumPy's cells can be
            raise MetadataValidationError(f"the fields of a struct make no NumPy type: {error}") from None
        super().__init__(name, numpy)
        self.entries = entries

    def native(self) -> Self:
        if all(order == NATIVE for *_, order in self.units):
            return self
        return type(self)(tuple((field, kind.native()) for field, kind in self.entries), self.name)

    def configuration(self) -> dict[str, Any]:
        if self.name == "structured":
            return {"fields": [[field, kind.to_json()] for field, kind in self.entries]}
        return {"fields": [{"name": field, "data_type": kind.to_json()} for field, kind in self.entries]}

    def _cast(self, value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() != dict(self.entries).keys():
                raise ValueError(f"its members must be {', '.join(field for field, _ in self.entries)}")
            return self._together({field: kind.cast(value[field]) for field, kind in self.entries})
        if value is None or (type(value) is int and value == 0):
            return self.default()
        if isinstance(value, (bytes, bytearray)):
            return fills.item(bytes(value).ljust(self.numpy.itemsize, b"\0"), self.numpy)
        if isinstance(value, str):
            raise TypeError
        return np.array(tuple(value) if isinstance(value, list) else value, self.numpy)[()]

    def _together(self, parts: dict[str, Any]) -> Any:
        return fills.item(b"".join(kind.cell(parts[field]) for field, kind in self.entries), self.numpy)

    def default(self) -> Any:
        return fills.item(bytes(self.numpy.itemsize), self.numpy)

    def cell(self, value: Any) -> bytes:
        return bytes(self.numpy.itemsize) if value is None else bytes(np.asarray(value, self.numpy).tobytes())

    def fill_from_json(self, value: object) -> Any:
        if isinstance(value, dict):
            fields = dict(self.entries)
            if set(value) != set(fields):
                refuse("the fill value of a struct", f"an object with the members {', '.join(fields)}", list(value))
            return self._together({field: kind.fill_from_json(value[field]) for field, kind in self.entries})
        raw = fills.fixed_bytes_from_json(value, self.numpy.itemsize, "a struct")
        return fills.item(raw, self.numpy)

    def fill_to_json(self, value: Any) -> Any:
        if self.name == "structured":
            return fills.base64(self.cell(value))
        return {field: kind.fill_to_json(value[field]) for field, kind in self.entries}
