"""Cells that are Python objects: any JSON, arrays of varying length, and what format 2 keeps as "|O".

Inside the engine they are text or bytes of varying length. `shown` and `taken` stand between those and the objects.
"""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataTypeValidationError, MissingDependencyError
from .checks import refuse
from .dtypes import DType

OBJECT = np.dtype("O")


class Objects(DType):
    """A type whose cells are made of text or bytes, one object each.

    A list or a tuple is cells along one axis; for more axes give an array of objects. Anything else is one cell.
    """

    __slots__ = ()
    vlen: ClassVar[str | None] = "bytes"

    @property
    def translates(self) -> bool:
        return True

    @property
    def typestr(self) -> str:
        return "|O"

    def native(self) -> Self:
        return self

    def load(self, raw: Any) -> Any:
        """The object that stored text or bytes mean."""
        raise NotImplementedError

    def dump(self, value: Any) -> Any:
        """The text or the bytes of an object."""
        raise NotImplementedError

    def shown(self, cells: Any) -> Any:
        return _each(self.load, cells) if isinstance(cells, np.ndarray) else self.load(cells)

    def taken(self, values: Any) -> NDArray[Any]:
        return _each(self.dump, self.objects(values))

    def taken_one(self, value: Any) -> NDArray[Any]:
        if isinstance(value, np.ndarray):
            return self.taken(value)
        cell = np.empty((), OBJECT)
        cell[()] = self.dump(value)
        return cell

    def objects(self, values: Any) -> NDArray[Any]:
        """A user's values as an array of objects, a cell each."""
        if isinstance(values, np.ndarray):
            return values.astype(OBJECT, copy=False)
        if isinstance(values, (list, tuple)):
            cells = np.empty(len(values), OBJECT)
            for at, value in enumerate(values):  # a slice would look into lists of one length
                cells[at] = value
            return cells
        cells = np.empty((), OBJECT)
        cells[()] = values
        return cells

    def cell(self, value: Any) -> bytes:
        raw = self.dump(value)
        return raw.encode("utf-8") if isinstance(raw, str) else bytes(raw)

    def default(self) -> Any:
        return None

    def _cast(self, value: Any) -> Any:
        self.dump(value)
        return value

    def fill_from_json(self, value: object) -> Any:
        return value

    def fill_to_json(self, value: Any) -> Any:
        return value


class Json(Objects):
    """`json`: any JSON value a cell, stored as text. Source: zarr-extensions, data type `json`.

    Objects read as dictionaries, lists as lists, numbers, text, booleans and null as Python has them.
    """

    __slots__ = ()
    vlen = "string"

    def load(self, raw: Any) -> Any:
        return json.loads(raw) if raw else None

    def dump(self, value: Any) -> str:
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
            text.encode("utf-8")
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(f"a cell of data type json must be JSON: {error}") from None
        return text


class PackedObjects(Objects):
    """What the filter `msgpack2` of format 2 keeps: a MessagePack value a cell. Needs the package `msgpack`.

    Args:
        raw: whether text reads as bytes.
        single: whether floats are kept with 32 bits.
        binary: whether bytes and text are kept apart.
    """

    __slots__ = ("binary", "raw", "single")
    raw: bool
    single: bool
    binary: bool

    def __init__(self, raw: bool = False, single: bool = False, binary: bool = True) -> None:
        super().__init__("msgpack2", OBJECT)
        self.raw = raw
        self.single = single
        self.binary = binary

    def to_json(self) -> str | dict[str, Any]:
        raise DataTypeValidationError("MessagePack objects have no data type in format 3; 'json' may do")

    def load(self, raw: Any) -> Any:
        return msgpack().unpackb(raw, raw=self.raw, strict_map_key=False) if raw else None

    def dump(self, value: Any) -> bytes:
        packed: bytes = msgpack().packb(value, use_bin_type=self.binary, use_single_float=self.single, default=_plain)
        return packed


class PickledObjects(Objects):
    """What the filter `pickle` of format 2 keeps. Reading it runs code, so a setting has to allow it by name."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("pickle", OBJECT)

    @property
    def asks(self) -> str:
        return "array.allow_unsafe_pickle_decode"

    def to_json(self) -> str | dict[str, Any]:
        raise DataTypeValidationError("pickled objects have no data type in format 3; write them as text or numbers")

    def load(self, raw: Any) -> Any:
        return pickle.loads(raw) if raw else None  # noqa: S301 - `asks` was answered

    def dump(self, value: Any) -> bytes:
        return pickle.dumps(value)

    def cell(self, value: Any) -> bytes:
        return b"" if value is None else self.dump(value)


class Arrays(Objects):
    """What the filter `vlen-array` of format 2 keeps: one-dimensional arrays of varying length, all of one type.

    An array of numbers is one cell; a list is cells along one axis.

    Args:
        item: NumPy type of the numbers.
    """

    __slots__ = ("item",)
    item: np.dtype[Any]

    def __init__(self, item: np.dtype[Any]) -> None:
        super().__init__("vlen-array", OBJECT)
        self.item = item

    def to_json(self) -> str | dict[str, Any]:
        raise DataTypeValidationError("arrays of varying length have no data type in format 3; 'bytes' may do")

    def load(self, raw: Any) -> Any:
        if len(raw) % self.item.itemsize:
            raise ValueError(f"a cell holds {len(raw)} bytes, which are no whole number of {self.item}")
        return np.frombuffer(raw, self.item).copy()

    def dump(self, value: Any) -> bytes:
        if value is None or (type(value) in {int, str} and not value):  # what unwritten cells are said to be
            return b""
        array = np.asarray(value)
        if array.ndim != 1 or (array.size and not np.can_cast(array.dtype, self.item, "same_kind")):
            raise TypeError(f"a cell is an array of one axis and of {self.item}, not {array.dtype} of {array.shape}")
        return array.astype(self.item).tobytes()

    def objects(self, values: Any) -> NDArray[Any]:
        if isinstance(values, np.ndarray) and values.dtype != OBJECT:
            cells = np.empty((), OBJECT)
            cells[()] = values
            return cells
        return super().objects(values)

    def fill_from_json(self, value: object) -> Any:
        if value not in (None, 0, "") and type(value) is not list:
            refuse("the fill value of vlen-array", "null, 0, or a list of numbers", value)
        return value

    def _cast(self, value: Any) -> Any:
        return value.tolist() if isinstance(value, np.ndarray) else super()._cast(value)


class Categories(DType):
    """What the filter `categorize` of format 2 makes of "|O": text that is one of a few labels, stored as its number.

    Number 0 is any other text, which is lost and reads as "".

    Args:
        labels: the texts, from number 1 on.
        codes: NumPy type of the numbers.
    """

    __slots__ = ("codes", "labels")
    labels: tuple[str, ...]
    codes: np.dtype[Any]

    def __init__(self, labels: tuple[str, ...], codes: np.dtype[Any]) -> None:
        super().__init__("categorize", np.dtypes.StringDType())
        self.labels = labels
        self.codes = codes

    @property
    def memory(self) -> np.dtype[Any]:
        return self.codes

    @property
    def translates(self) -> bool:
        return True

    @property
    def typestr(self) -> str:
        return "|O"

    def native(self) -> Self:
        return self

    def to_json(self) -> str | dict[str, Any]:
        raise DataTypeValidationError("labelled text has no data type in format 3; 'string' may do")

    def shown(self, cells: Any) -> Any:
        numbers = np.asarray(cells).astype(np.int64)
        if numbers.size and (int(numbers.max()) > len(self.labels) or int(numbers.min()) < 0):
            raise ValueError(f"a cell has the number {int(numbers.max())}, and there are {len(self.labels)} labels")
        found = np.array(["", *self.labels], self.numpy)[numbers]
        return found if isinstance(cells, np.ndarray) else str(found)

    def taken(self, values: Any) -> NDArray[Any]:
        given = np.asarray(values, OBJECT)
        numbers = {"": 0, **{label: at for at, label in enumerate(self.labels, 1)}}

        def number(value: object) -> int:
            found = numbers.get(value) if isinstance(value, str) else None
            if found is None:
                raise ValueError(f"{value!r} is none of the labels: {', '.join(self.labels[:10])}")
            return found

        return np.asarray(_each(number, given)).astype(self.codes)

    def cell(self, value: Any) -> bytes:
        return bytes(self.codes.itemsize) if not value else self.taken(value).tobytes()

    def default(self) -> str:
        return ""

    def _cast(self, value: Any) -> Any:
        self.taken(value)
        return str(value)

    def fill_from_json(self, value: object) -> Any:
        if value in (0, ""):
            return ""
        if not isinstance(value, str) or value not in self.labels:
            refuse("the fill value of labelled text", 'one of the labels, or ""', value)
        return value

    def fill_to_json(self, value: Any) -> str:
        return str(value)


def _each(change: Callable[[Any], Any], cells: NDArray[Any]) -> NDArray[Any]:
    """What a function makes of each cell, as objects, whatever they look like."""
    made = np.empty(cells.shape, OBJECT)
    flat = made.reshape(-1)
    for at, value in enumerate(cells.reshape(-1).tolist()):
        flat[at] = change(value)
    return flat.reshape(cells.shape)


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python has them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no such form")


def msgpack() -> Any:
    """The package `msgpack`.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return importlib.import_module("msgpack")
    except ImportError:
        raise MissingDependencyError("msgpack", "codec 'msgpack2'", "msgpack") from None
