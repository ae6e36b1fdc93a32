"""Codecs of format 2 for objects that are all of one kind: arrays of varying length, and text that is one of few."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, only, refuse
from .codecs import ARRAY, SERIALIZER, Cells, Codec, Lowering


class VLenArray(Codec):
    """Arrays of varying length: a count, then each behind its length in bytes.

    Args:
        dtype: NumPy's type string of what the arrays hold.
    """

    __slots__ = ("dtype",)
    name = "numcodecs.vlen-array"
    id = "vlen-array"
    kind = SERIALIZER
    dtype: np.dtype[Any]

    def __init__(self, dtype: Any) -> None:
        self.dtype = _simple(dtype, "dtype of codec 'vlen-array'", "biufcmM")

    def configuration(self) -> dict[str, Any]:
        return {"dtype": self.dtype.str}

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen != "bytes":
            raise MetadataValidationError(
                f"codec {self.id!r} stores arrays of varying length (dtype '|O'), not {cells}"
            )
        return self

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "vlen-bytes"})


class Categorize(Codec):
    """Text that is one of a few labels, as the label's number; 0 is any other text.

    Args:
        labels: the texts, from number 1 on.
        dtype: NumPy's type string of the text, or "|O".
        astype: NumPy's type string of the numbers.
    """

    __slots__ = ("astype", "dtype", "labels", "text_bytes")
    name = "numcodecs.categorize"
    id = "categorize"
    kind = ARRAY
    is_fixed = True
    labels: tuple[str, ...]
    dtype: np.dtype[Any]
    astype: np.dtype[Any]

    def __init__(self, labels: Any, dtype: Any, astype: Any = "u1") -> None:
        if not isinstance(labels, (list, tuple)) or not all(isinstance(label, str) for label in labels):
            refuse("labels of codec 'categorize'", "a list of texts", labels)
        if len(set(labels)) != len(labels):
            raise MetadataValidationError(f"labels of codec 'categorize' must differ, not {brief(labels)}")
        self.labels = tuple(labels)
        self.dtype = _simple(dtype, "dtype of codec 'categorize'", "OUS")
        self.astype = _simple(astype, "astype of codec 'categorize'", "iu")
        if len(self.labels) > np.iinfo(self.astype).max:
            raise MetadataValidationError(
                f"codec 'categorize' has {len(self.labels)} labels, and {self.astype} has no numbers for them all"
            )
        self.text_bytes = 0

    def configuration(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "dtype": self.dtype.str, "astype": self.astype.str}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("labels", "dtype", "astype"), "codec 'categorize'")
        missing = [name for name in ("labels", "dtype") if name not in configuration]
        if missing:
            raise MetadataValidationError(f"codec 'categorize' needs the parameters {', '.join(missing)}")
        return cls(**configuration)

    def settle(self, cells: Cells) -> Codec:
        given = self.astype if self.dtype.kind == "O" else self.dtype
        if cells.vlen or cells.numpy != given:
            raise MetadataValidationError(f"codec 'categorize' labels cells of type {self.dtype}, not {cells}")
        made = type(self)(self.labels, self.dtype, self.astype)
        object.__setattr__(made, "text_bytes", math.prod(cells.shape))
        return made

    def after(self, cells: Cells) -> Cells:
        return cells._replace(numpy=self.astype)

    def lower(self, chain: Lowering) -> None:
        chain.numpy = self.astype
        if self.dtype.kind == "O":  # the data type has made numbers of the text
            return
        chain.in_python(self, self.id, ARRAY, self.text_bytes * self.astype.itemsize)

    def _texts(self) -> np.ndarray[Any, Any]:
        return np.array(["", *self.labels]).astype(self.dtype)

    def encode(self, data: bytes) -> bytes:
        """The numbers of packed text."""
        cells = np.frombuffer(data, self.dtype)
        texts = self._texts()
        numbers = np.zeros(cells.shape, self.astype)
        for at, label in enumerate(texts):
            numbers[cells == label] = at
        if (texts[numbers] != cells).any():
            lost = cells[texts[numbers] != cells][0]
            raise ValueError(f"{lost!r} is none of the labels: {', '.join(self.labels[:10])}")
        return numbers.tobytes()

    def decode(self, data: bytes) -> bytes:
        """Packed text of numbers."""
        numbers = np.frombuffer(data, self.astype).astype(np.int64)
        texts = self._texts()
        if numbers.size and (int(numbers.max()) >= len(texts) or int(numbers.min()) < 0):
            raise ValueError(f"a cell has the number {int(numbers.max())}, and there are {len(self.labels)} labels")
        return texts[numbers].tobytes()


def _simple(value: object, what: str, kinds: str) -> np.dtype[Any]:
    try:
        found = np.dtype(value) if isinstance(value, (str, np.dtype, type)) else None
    except (TypeError, ValueError):
        found = None
    if found is None or found.kind not in kinds or found.itemsize == 0 or found.names is not None:
        refuse(what, "a NumPy type that fits", value)
    return found
