"""Lists of a fixed length: as cells (`fixed_size_list`), and as fields of structs (subarrays)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataTypeValidationError, MetadataValidationError
from . import fills
from .checks import brief, integer, refuse
from .dtypes import DType

FIELD = "list"
"""The one field of a cell that is a list."""
MAX_CELL_BYTES = 2**31 - 1


class Subarray(DType):
    """A field that is a small array itself. In documents of format 3 it is a `fixed_size_list`, or lists of lists."""

    __slots__ = ("item", "shape")
    item: DType
    shape: tuple[int, ...]

    def __init__(self, item: DType, shape: tuple[int, ...]) -> None:
        try:
            numpy = np.dtype((item.memory, shape))
        except ValueError as error:
            raise MetadataValidationError(f"a field of shape {brief(shape)} makes no NumPy type: {error}") from None
        super().__init__("subarray", numpy)
        self.item = item
        self.shape = shape

    def native(self) -> Self:
        return type(self)(self.item.native(), self.shape)

    def to_json(self) -> str | dict[str, Any]:
        found = self.item.to_json()
        for length in reversed(self.shape):
            if length == 0:
                raise DataTypeValidationError(
                    f"a field of shape {self.shape} holds nothing; format 3 has no name for it"
                )
            found = {"name": "fixed_size_list", "configuration": {"base_data_type": found, "list_size": length}}
        return found

    def cell(self, value: Any) -> bytes:
        return bytes(self.numpy.itemsize) if value is None else fills.cell(value, self.numpy)

    def cast(self, value: Any) -> Any:
        try:
            return np.broadcast_to(np.asarray(value, self.item.memory), self.shape).copy()
        except (TypeError, ValueError, OverflowError) as error:
            raise DataTypeValidationError(
                f"fill value {brief(value)} fits no field of shape {self.shape}: {error}"
            ) from None

    def fill_from_json(self, value: object) -> Any:
        return np.frombuffer(self._raw(value, self.shape), self.item.memory).reshape(self.shape)

    def _raw(self, value: object, shape: tuple[int, ...]) -> bytes:
        if not shape:
            return self.item.cell(self.item.fill_from_json(value))
        if type(value) is not list or len(value) != shape[0]:
            refuse("the fill value of a list", f"a list of {shape[0]} values", value)
        return b"".join(self._raw(one, shape[1:]) for one in value)

    def fill_to_json(self, value: Any) -> Any:
        return self._json(np.asarray(value), len(self.shape))

    def _json(self, value: Any, depth: int) -> Any:
        return [self._json(one, depth - 1) for one in value] if depth else self.item.fill_to_json(value)


class FixedSizeList(DType):
    """`fixed_size_list`: every cell is a list of as many values of one type.

    NumPy would make such a list an axis more, which the array does not have; so cells are structures of one field,
    `list`, and `array[...]["list"]` has that axis. Writing takes these, or arrays with one axis more.

    Args:
        item: what the lists hold.
        length: how many of it.
    """

    __slots__ = ("item", "length")
    item: DType
    length: int

    def __init__(self, item: DType, length: int) -> None:
        super().__init__("fixed_size_list", np.dtype([(FIELD, _axes(item, length).numpy)]))
        self.item = item
        self.length = length

    def as_field(self) -> Subarray:
        """The same as a field of a struct, where NumPy has a type for it."""
        return _axes(self.item, self.length)

    @property
    def translates(self) -> bool:
        return True

    @property
    def typestr(self) -> Any:
        field = self.as_field()
        return [[FIELD, field.item.typestr, list(field.shape)]]

    def native(self) -> Self:
        return type(self)(self.item.native(), self.length)

    def configuration(self) -> dict[str, Any]:
        return {"base_data_type": self.item.to_json(), "list_size": self.length}

    def taken(self, values: Any) -> NDArray[Any]:
        if isinstance(values, (np.ndarray, np.void)) and values.dtype.names is not None:
            return np.asarray(values).astype(self.numpy)
        field = self.as_field()
        given = np.asarray(values)
        if given.shape[len(given.shape) - len(field.shape) :] != field.shape:
            raise ValueError(
                f"cells are lists of shape {field.shape}, and the values have the shape {given.shape}; "
                "its last axes must be those of a list"
            )
        plain = given if given.dtype == field.item.memory else field.item.taken(given)
        if plain.dtype != field.item.memory:
            plain = plain.astype(field.item.memory)
        made = np.empty(given.shape[: given.ndim - len(field.shape)], self.numpy)
        made[FIELD] = plain
        return made

    def _cast(self, value: Any) -> Any:
        if isinstance(value, (np.void, np.ndarray)) and value.dtype == self.numpy:
            return np.asarray(value)[()]
        if isinstance(value, str):
            raise TypeError
        return fills.item(self.as_field().cell(self.as_field().cast(value)), self.numpy)

    def default(self) -> Any:
        return fills.item(bytes(self.numpy.itemsize), self.numpy)

    def cell(self, value: Any) -> bytes:
        return bytes(self.numpy.itemsize) if value is None else np.asarray(value, self.numpy).tobytes()

    def fill_from_json(self, value: object) -> Any:
        return fills.item(self.as_field().cell(self.as_field().fill_from_json(value)), self.numpy)

    def fill_to_json(self, value: Any) -> Any:
        return self.as_field().fill_to_json(value[FIELD])


def _axes(item: DType, length: int) -> Subarray:
    """The list as a subarray; lists of lists are axes of one."""
    if isinstance(item, FixedSizeList):
        inner = item.as_field()
        return Subarray(inner.item, (length, *inner.shape))
    return Subarray(item, (length,))


def fixed_size_list(item: DType, length: object) -> FixedSizeList:
    """The type of lists of a length.

    Raises:
        MetadataValidationError: no such length, or values that vary in length.
    """
    count = integer(length, "list_size of fixed_size_list", low=1, high=MAX_CELL_BYTES)
    if item.vlen:
        raise MetadataValidationError(f"a fixed_size_list cannot hold {item.name}, which varies in length")
    if count * max(item.memory.itemsize, 1) > MAX_CELL_BYTES:
        raise MetadataValidationError(f"a fixed_size_list of {count} {item.name} is longer than a cell can be")
    return FixedSizeList(item, count)
