"""Fields of structured cells: taken out of a key, read, and written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite._engine import Pending
from zarrite.cells import Reading
from zarrite.errors import ArrayIndexError

__all__ = ["FieldReading", "Fields", "field_dtype", "set_fields", "split_fields"]

Fields = str | list[str] | None


def split_fields(key: Any) -> tuple[str | list[str] | None, Any]:
    """Takes field names out of a key: `("f", 0)` is field "f" of cell 0, `["f", "g"]` a structure of two fields.

    Returns:
        a name, a list of names or `None`; and the key without them.
    """
    if isinstance(key, str):
        return key, Ellipsis
    if isinstance(key, list):
        if key and all(isinstance(name, str) for name in key):
            return list(key), Ellipsis
        return None, key
    if not isinstance(key, tuple):
        return None, key
    names: list[str] = []
    grouped: list[str] | None = None
    rest: list[Any] = []
    for entry in key:
        if isinstance(entry, str):
            names.append(entry)
        elif isinstance(entry, list) and entry and all(isinstance(name, str) for name in entry):
            grouped = list(entry)
        else:
            rest.append(entry)
    if not names and grouped is None:
        return None, key
    remaining: Any = tuple(rest) if rest else Ellipsis
    if grouped is not None:
        return grouped + names, remaining
    return (names[0] if len(names) == 1 else names), remaining


def field_dtype(dtype: np.dtype[Any], fields: str | list[str]) -> np.dtype[Any]:
    """The data type of a field, or of a structure of some fields, packed.

    Raises:
        ArrayIndexError: the cells have no such field.
    """
    known = dtype.names
    if known is None:
        raise ArrayIndexError(f"the cells are {dtype} and have no fields; {fields!r} names none")
    names = [fields] if isinstance(fields, str) else fields
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ArrayIndexError(f"the cells have no field {unknown[0]!r}; known: {', '.join(known)}")
    if isinstance(fields, str):
        return dtype[fields]
    return np.dtype([(name, dtype[name]) for name in fields])


def _taken(cells: Any, fields: str | list[str], dtype: np.dtype[Any]) -> Any:
    """Some fields of cells, as arrays of their own: the memory of the others is let go."""
    if isinstance(fields, str):
        picked = cells[fields]
        return picked.copy() if isinstance(picked, np.ndarray) else picked
    result: NDArray[Any] = np.empty(np.shape(cells), dtype=dtype)
    for name in fields:
        result[name] = cells[name]
    return result if isinstance(cells, np.ndarray) else result[()]


class FieldReading:
    """A read of which some fields are wanted."""

    __slots__ = ("_fields", "_out", "_reading", "pending")

    pending: Pending[NDArray[Any]]

    def __init__(
        self, reading: Reading, fields: str | list[str], dtype: np.dtype[Any], out: NDArray[Any] | None
    ) -> None:
        self._reading = reading
        self._fields = (fields, dtype)
        self._out = out
        self.pending = reading.pending

    def done(self, got: NDArray[Any]) -> Any:
        """The fields as the user gets them."""
        result = _taken(self._reading.done(got), *self._fields)
        if self._out is None:
            return result
        self._out[...] = result
        return self._out


def set_fields(cells: NDArray[Any], fields: str | list[str], values: Any) -> None:
    """Sets fields of cells: one field to what broadcasts to it, several to a structure or to what fits each of them."""
    if isinstance(fields, str):
        cells[fields] = values
        return
    given = np.asarray(values)
    for place, name in enumerate(fields):
        if given.dtype.names is None:
            cells[name] = given
        else:
            cells[name] = given[name if name in given.dtype.names else given.dtype.names[place]]
