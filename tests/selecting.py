"""Random arrays and random keys of every kind, for hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

DTYPES = ("u1", "<i2", ">i4", "<f4", "<f8", "<c8", "?", "<M8[s]", "<U3", "S2")


@st.composite
def shapes(draw: st.DrawFn, least: int = 0, axes: int = 3) -> tuple[int, ...]:
    """A small shape, zeros included."""
    return tuple(draw(st.lists(st.integers(least, 9), min_size=0, max_size=axes)))


@st.composite
def chunk_shapes(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A chunk shape for it, sometimes larger than the array."""
    return tuple(draw(st.integers(1, 5)) for _ in shape)


@st.composite
def slices(draw: st.DrawFn, length: int) -> slice:
    """Any slice, backwards ones and those that reach over included."""
    bound = st.none() | st.integers(-length - 2, length + 2)
    step = st.none() | st.integers(1, 4) | st.integers(-4, -1)
    return slice(draw(bound), draw(bound), draw(step))


def indices(length: int) -> st.SearchStrategy[int]:
    """An index inside an axis, counted from either end."""
    return st.integers(-length, length - 1)


@st.composite
def index_arrays(draw: st.DrawFn, length: int, size: int | None = None) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Indices in any order, some more than once."""
    count = {} if size is None else {"min_size": size}
    numbers = draw(st.lists(indices(length), max_size=size or 6, **count)) if length else []
    return np.array(numbers, dtype=np.int64)


@st.composite
def basic_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Integers, slices and perhaps `...`."""
    entries: list[Any] = [
        draw(slices(length)) if not length or draw(st.booleans()) else draw(indices(length)) for length in shape
    ]
    kept = draw(st.integers(0, len(entries)))
    if draw(st.booleans()):
        rest = draw(st.integers(kept, len(entries)))
        return (*entries[:kept], Ellipsis, *entries[rest:])
    return tuple(entries[:kept])


@st.composite
def orthogonal_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers, slices, index arrays and masks, one an axis."""
    entries: list[Any] = []
    for length in shape:
        kind = draw(st.sampled_from(("slice", "int", "indices", "mask")))
        if kind == "int" and length:
            entries.append(draw(indices(length)))
        elif kind == "indices":
            entries.append(draw(index_arrays(length)))
        elif kind == "mask":
            entries.append(np.array(draw(st.lists(st.booleans(), min_size=length, max_size=length)), dtype=bool))
        else:
            entries.append(draw(slices(length)))
    return tuple(entries)


@st.composite
def coordinate_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """One index array an axis, of shapes that broadcast."""
    first, second = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    entries: list[Any] = []
    for length in shape:
        form = draw(st.sampled_from(((), (second,), (first, 1), (first, second))))
        size = int(np.prod(form, dtype=int))
        entries.append(draw(index_arrays(length, size)).reshape(form))
    return tuple(entries)


@st.composite
def masks(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of the whole shape."""
    size = int(np.prod(shape, dtype=int))
    return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool).reshape(shape)


@st.composite
def block_keys(draw: st.DrawFn, shape: tuple[int, ...], edges: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers and slices of step 1, in chunks."""
    entries: list[Any] = []
    for length, edge in zip(shape, edges, strict=True):
        count = -(-length // edge)
        if count and draw(st.booleans()):
            entries.append(draw(indices(count)))
        else:
            bound = st.none() | st.integers(-count - 1, count + 1)
            entries.append(slice(draw(bound), draw(bound)))
    return tuple(entries)


@st.composite
def mixed_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """At least two index arrays among slices and integers: NumPy's own rule says where the axes go."""
    fancy = draw(st.lists(st.integers(0, len(shape) - 1), min_size=2, max_size=len(shape), unique=True))
    size = draw(st.integers(1, 3))
    entries: list[Any] = []
    for axis, length in enumerate(shape):
        if axis in fancy:
            entries.append(draw(index_arrays(length, draw(st.sampled_from((1, size))))))
        elif draw(st.booleans()):
            entries.append(draw(indices(length)))
        else:
            entries.append(draw(slices(length)))
    return tuple(entries)


def cells_of(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    """Cells that differ from their neighbours."""
    count = int(np.prod(shape, dtype=int))
    numbers = (np.arange(count) * 7 + seed) % 251
    kind = np.dtype(dtype)
    if kind.kind in "US":
        return numbers.astype(kind.str).reshape(shape)
    if kind.kind == "M":
        return numbers.astype("i8").astype(kind).reshape(shape)
    return numbers.astype(kind).reshape(shape)
