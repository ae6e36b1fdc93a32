"""`zarr.buffer` and its kin: bytes and cells in the wrappers that zarr-python's stores and codecs hand each other.

zarrite itself needs none of them. Stores of other packages make and take them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ArrayLike",
    "Buffer",
    "BufferPrototype",
    "CPUBuffer",
    "CPUNDBuffer",
    "NDArrayLike",
    "NDArrayLikeOrScalar",
    "NDBuffer",
    "buffer_prototype",
    "default_buffer_prototype",
    "numpy_buffer_prototype",
]


@runtime_checkable
class ArrayLike(Protocol):
    """One axis of bytes."""

    @property
    def dtype(self) -> Any: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    def __getitem__(self, key: slice) -> Any: ...
    def __setitem__(self, key: slice, value: Any) -> None: ...


@runtime_checkable
class NDArrayLike(Protocol):
    """An array of NumPy's kind."""

    @property
    def dtype(self) -> Any: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...
    def __array__(self) -> NDArray[Any]: ...
    def reshape(self, shape: Any, /) -> Any: ...
    def astype(self, dtype: Any) -> Any: ...


NDArrayLikeOrScalar = np.ndarray | np.generic | int | float | complex | str | bytes


class Buffer(ABC):
    """A run of bytes.

    Args:
        array_like: an array of one axis of bytes.

    Raises:
        ValueError: an array of something else.
    """

    def __init__(self, array_like: Any) -> None:
        if array_like.ndim != 1:
            raise ValueError(f"array_like: a buffer has one axis, not {array_like.ndim}; only 1-dim allowed")
        if array_like.dtype != np.dtype("B"):
            raise ValueError(f"array_like: a buffer holds bytes, not {array_like.dtype}; only byte dtype allowed")
        self._data = array_like

    @classmethod
    @abstractmethod
    def create_zero_length(cls) -> Self:
        """No bytes."""

    @classmethod
    def from_array_like(cls, array_like: Any) -> Self:
        """The bytes of an array, which is not copied."""
        return cls(array_like)

    @classmethod
    @abstractmethod
    def from_buffer(cls, buffer: Buffer) -> Self:
        """The bytes of a buffer, in this class."""

    @classmethod
    @abstractmethod
    def from_bytes(cls, bytes_like: Any) -> Self:
        """Bytes as a buffer."""

    def as_array_like(self) -> Any:
        """The array itself."""
        return self._data

    @abstractmethod
    def as_numpy_array(self) -> NDArray[Any]:
        """The bytes as a NumPy array."""

    def as_buffer_like(self) -> Any:
        """What shows its memory, as `bytes` does."""
        return memoryview(np.ascontiguousarray(self.as_numpy_array()).data)

    def to_bytes(self) -> bytes:
        """A copy of the bytes."""
        return self.as_numpy_array().tobytes()

    __bytes__ = to_bytes

    def __getitem__(self, key: Any) -> Self:
        return type(self)(self._data[_run(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._data[_run(key)] = value._data if isinstance(value, Buffer) else value

    def __len__(self) -> int:
        return int(self._data.size)

    @abstractmethod
    def combine(self, others: Iterable[Buffer]) -> Self:
        """These bytes and those of others behind them."""

    def __add__(self, other: Buffer) -> Self:
        return self.combine([other])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Buffer) and np.array_equal(self.as_numpy_array(), other.as_numpy_array())

    __hash__ = None  # type: ignore[assignment]


def _run(key: Any) -> slice:
    if not isinstance(key, slice):
        raise TypeError(f"Item key has incorrect type: a buffer takes a slice, not {type(key).__name__}")
    if key.step not in (None, 1):
        raise ValueError(f"slice must be contiguous, without a step; this one has {key.step}")
    return key


class CPUBuffer(Buffer):
    """Bytes in this machine's memory."""

    @classmethod
    def create_zero_length(cls) -> Self:
        """No bytes."""
        return cls(np.empty(0, dtype="B"))

    @classmethod
    def from_buffer(cls, buffer: Buffer) -> Self:
        """The bytes of a buffer, in this class."""
        return cls.from_array_like(buffer.as_numpy_array())

    @classmethod
    def from_bytes(cls, bytes_like: Any) -> Self:
        """Bytes as a buffer."""
        return cls.from_array_like(np.frombuffer(bytes_like, dtype="B"))

    def as_numpy_array(self) -> NDArray[Any]:
        """The bytes as a NumPy array."""
        return np.asanyarray(self._data)

    def combine(self, others: Iterable[Buffer]) -> Self:
        """These bytes and those of others behind them."""
        return type(self)(np.concatenate([self.as_numpy_array(), *(other.as_numpy_array() for other in others)]))


class NDBuffer:
    """Cells of an array.

    Args:
        array: the array.
    """

    def __init__(self, array: Any) -> None:
        self._data = array

    @classmethod
    def create(cls, *, shape: Iterable[int], dtype: Any, order: Any = "C", fill_value: Any = None) -> Self:
        """A new array of one value; of zeros when there is none."""
        data = np.zeros(tuple(shape), dtype=dtype, order=order)
        if fill_value is not None:
            data[...] = fill_value
        return cls(data)

    @classmethod
    def empty(cls, shape: tuple[int, ...], dtype: Any, order: Any = "C") -> Self:
        """A new array whose cells nobody has set."""
        return cls(np.empty(shape, dtype=dtype, order=order))

    @classmethod
    def from_ndarray_like(cls, ndarray_like: Any) -> Self:
        """An array, which is not copied."""
        return cls(ndarray_like)

    @classmethod
    def from_numpy_array(cls, array_like: Any) -> Self:
        """What NumPy makes an array of."""
        return cls(np.asanyarray(array_like))

    def as_ndarray_like(self) -> Any:
        """The array itself."""
        return self._data

    def as_numpy_array(self) -> NDArray[Any]:
        """The cells as a NumPy array."""
        return np.asanyarray(self._data)

    def as_scalar(self) -> Any:
        """The one cell.

        Raises:
            ValueError: there are more, or none.
        """
        if self._data.size != 1:
            raise ValueError(f"Buffer does not contain a single scalar value, but {self._data.size}")
        return self.as_numpy_array().reshape(-1)[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of a cell."""
        found: np.dtype[Any] = np.dtype(self._data.dtype)
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along every axis."""
        return tuple(self._data.shape)

    @property
    def byteorder(self) -> str:
        """The order of a cell's bytes."""
        import sys

        order = self.dtype.byteorder
        return {"<": "little", ">": "big"}.get(order, sys.byteorder)

    def reshape(self, newshape: Any) -> Self:
        """The same cells in another shape."""
        return type(self)(self._data.reshape(newshape))

    def squeeze(self, axis: tuple[int, ...]) -> Self:
        """Without axes of one cell."""
        return type(self)(np.squeeze(self._data, axis=axis))

    def astype(self, dtype: Any, order: Any = "K") -> Self:
        """The cells as another type."""
        return type(self)(self._data.astype(dtype, order=order))

    def copy(self) -> Self:
        """A copy."""
        return type(self)(self._data.copy())

    def transpose(self, axes: Any) -> Self:
        """The axes in another order."""
        return type(self)(self._data.transpose(axes))

    def fill(self, value: Any) -> None:
        """Sets every cell."""
        self._data.fill(value)

    def all_equal(self, other: Any, equal_nan: bool = True) -> bool:
        """Whether every cell is a value."""
        if other is None:
            return False
        data, same = np.broadcast_arrays(self._data, other)
        return bool(np.array_equal(data, same, equal_nan=equal_nan and data.dtype.kind not in "USTOV"))

    def __getitem__(self, key: Any) -> Self:
        return type(self)(np.asanyarray(self._data[key]))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._data[key] = value._data if isinstance(value, NDBuffer) else value

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<NDBuffer shape={self.shape} dtype={self.dtype} {self._data!r}>"


class CPUNDBuffer(NDBuffer):
    """Cells in this machine's memory."""


class BufferPrototype(NamedTuple):
    """The classes that buffers are made of."""

    buffer: type[Buffer]
    nd_buffer: type[NDBuffer]


buffer_prototype = numpy_buffer_prototype = BufferPrototype(CPUBuffer, CPUNDBuffer)


def default_buffer_prototype() -> BufferPrototype:
    """The classes that are used where nobody names others."""
    return BufferPrototype(CPUBuffer, CPUNDBuffer)
