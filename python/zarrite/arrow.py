"""Cells as tables, for programs that work with columns: DuckDB, Polars, pandas, and whatever reads Arrow streams.

A table has a row for each cell: its coordinates along every axis, and its value (one for each array). It is a stream of
batches that are read while they are consumed, so it may be larger than memory.

Example:
    >>> import numpy as np, zarrite.arrow
    >>> group = zarrite.open_group(None, mode="w")
    >>> _ = group.create_array("y", data=np.array([10.0, 20.0]), dimension_names=["y"])
    >>> _ = group.create_array("t", data=np.arange(6).reshape(2, 3), dimension_names=["y", "x"])
    >>> zarrite.arrow.table(group, {"x": slice(1, 3)}).read().to_pydict()
    {'y': [10.0, 10.0, 20.0, 20.0], 'x': [1, 2, 1, 2], 't': [1, 2, 4, 5]}
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zarrite
from zarrite import Array, Group
from zarrite.errors import MissingDependencyError

try:
    import pyarrow as pa
except ModuleNotFoundError as missing:
    raise MissingDependencyError("pyarrow", "making tables of cells", "arrow") from missing

__all__ = ["Table", "table"]

# About so many rows are read at once.
ROWS = 1 << 20

Key = slice | NDArray[Any]


def table(
    source: Any,
    selection: Any = None,
    *,
    variables: str | Sequence[str] | None = None,
    coordinates: Mapping[str, Any] | None = None,
) -> Table:
    """The cells of an array, or of several arrays of a group that have the same axes, as a table.

    Args:
        source: an array or a group, or a place that `zarrite.open` takes.
        selection: which cells, axis by axis: integers, slices, index arrays and masks, as a mapping by the names of
            axes or as a tuple in their order; all when `None`.
        variables: names of the group's arrays that become columns; all that are no coordinates when `None`.
        coordinates: values along axes, by the names of axes: arrays of one axis. Of a group, its arrays that are called
            as their only axis are coordinates already. An axis without any is counted from 0.

    Returns:
        what any program takes that reads the Arrow stream interface.

    Raises:
        ValueError: arrays of different axes, a coordinate of another length than its axis, an axis that is not there.
    """
    node = source if isinstance(source, Array | Group) else zarrite.open(source, mode="r")
    if isinstance(node, Group):
        if isinstance(variables, str):
            variables = [variables]
        arrays, along = _of_group(node, variables)
    elif variables is not None:
        raise ValueError(f"variables are arrays of a group, and {node.url} is an array")
    else:
        arrays, along = {node.basename or "value": node}, {}
    return Table(arrays, selection, {**along, **(coordinates or {})})


def _of_group(group: Group, variables: Sequence[str] | None) -> tuple[dict[str, Array], dict[str, Any]]:
    found = dict(group.arrays())
    along = {name: array for name, array in found.items() if array.dimension_names == (name,)}
    wanted = [name for name in found if name not in along] if variables is None else list(variables)
    if not wanted:
        raise ValueError(f"{group.url} has no array that could be a column of values")
    arrays = {name: group.get_array(name) for name in wanted}
    axes = {name: (axes_of(array), array.shape) for name, array in arrays.items()}
    if len(set(axes.values())) > 1:
        told = ", ".join(f"{name} {dict(zip(*both, strict=True))}" for name, both in axes.items())
        raise ValueError(f"arrays of {group.url} have different axes ({told}); name those that fit with variables=")
    return arrays, along


def axes_of(array: Array) -> tuple[str, ...]:
    """The names of an array's axes; `dim_0` and so on where the array has none."""
    names = array.dimension_names or (None,) * array.ndim
    return tuple(name or f"dim_{axis}" for axis, name in enumerate(names))


class Table:
    """A row for each of some cells; made by `table`. It may be consumed any number of times.

    Rows come block by block: within a block in C order, and blocks as chunks lie, so that each chunk is decoded once.

    Example:
        >>> import numpy as np, zarrite.arrow
        >>> cells = zarrite.arrow.table(zarrite.array(np.arange(4), chunks=2))
        >>> len(cells)
        4
        >>> cells.schema.names
        ['dim_0', 'value']
    """

    def __init__(self, arrays: Mapping[str, Array], selection: Any, coordinates: Mapping[str, Any]) -> None:
        self._arrays = dict(arrays)
        first = next(iter(self._arrays.values()))
        self._axes = axes_of(first)
        self._keys = _keys(selection, self._axes, first.shape)
        self._indices = [np.arange(length)[key] for key, length in zip(self._keys, first.shape, strict=True)]
        self._first = first
        unknown = sorted(set(coordinates) - set(self._axes))
        # A group may hold coordinates of axes that the arrays do not have.
        self._along: dict[str, NDArray[Any]] = {}
        for name, values in coordinates.items():
            if name in unknown:
                continue
            axis = self._axes.index(name)
            if np.shape(values) != (first.shape[axis],):
                raise ValueError(
                    f"coordinate {name!r} has the shape {np.shape(values)}, and its axis {first.shape[axis]} cells"
                )
            self._along[name] = np.asarray(values[...] if isinstance(values, Array) else values)[self._indices[axis]]
        kinds = {name: values.dtype for name, values in self._along.items()}
        kinds = {name: kinds.get(name, np.dtype(np.int64)) for name in self._axes}
        kinds |= {name: array.dtype for name, array in self._arrays.items()}
        self.schema = pa.schema([(name, _type(dtype, name)) for name, dtype in kinds.items()])

    def __len__(self) -> int:
        """How many rows there are."""
        return math.prod(map(len, self._indices))

    def batches(self) -> Iterator[Any]:
        """Parts of the table, each as a `pyarrow.RecordBatch`, read as they are asked for."""
        for block in product(*self._blocks()):
            yield self._batch(list(block))

    def reader(self) -> Any:
        """The table as a `pyarrow.RecordBatchReader`."""
        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    def read(self) -> Any:
        """The whole table in memory, as a `pyarrow.Table`."""
        return self.reader().read_all()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.reader().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def _blocks(self) -> list[list[slice]]:
        """Parts of the chosen indices along every axis: whole chunks, until there are rows enough."""
        edges = []
        for axis, (indices, lengths) in enumerate(zip(self._indices, self._first.read_chunk_sizes, strict=True)):
            ends = np.cumsum(lengths, dtype=np.int64)
            chunks = np.searchsorted(ends, indices, side="right")
            ordered = isinstance(self._keys[axis], slice) or bool((np.diff(indices) >= 0).all())
            # Indices in no order have no blocks that are whole chunks.
            starts = np.flatnonzero(np.diff(chunks, prepend=-1)) if ordered else np.arange(min(1, len(indices)))
            edges.append([*starts.tolist(), len(indices)])
        size = math.prod(max((stop - start for start, stop in pairwise(stops)), default=0) for stops in edges)
        blocks = []
        for stops in reversed(edges):
            several = max(1, ROWS // max(1, size))
            kept = [*stops[:-1:several], stops[-1]]
            blocks.append([slice(start, stop) for start, stop in pairwise(kept)])
            size *= min(several, max(1, len(stops) - 1))
        return blocks[::-1]

    def _batch(self, block: list[slice]) -> Any:
        parts = [indices[part] for indices, part in zip(self._indices, block, strict=True)]
        shape = tuple(map(len, parts))
        columns: dict[str, NDArray[Any]] = {}
        for axis, (name, part) in enumerate(zip(self._axes, block, strict=True)):
            values = self._along[name][part] if name in self._along else parts[axis]
            apart = values.reshape((-1, *(1,) * (len(shape) - axis - 1)))
            columns[name] = np.broadcast_to(apart, shape).reshape(-1)
        keys = tuple(_narrowed(key, part) for key, part in zip(parts, block, strict=True))
        for name, array in self._arrays.items():
            cells = array.get_orthogonal_selection(keys) if keys else array[...]
            columns[name] = np.asarray(cells).reshape(-1)
        made = [_column(values, kind) for values, kind in zip(columns.values(), self.schema.types, strict=True)]
        return pa.record_batch(made, schema=self.schema)


def _keys(selection: Any, axes: tuple[str, ...], shape: tuple[int, ...]) -> list[Key]:
    """One key an axis, which keeps the axis."""
    if isinstance(selection, Mapping):
        unknown = sorted(set(selection) - set(axes))
        if unknown:
            raise ValueError(f"there is no axis {', '.join(map(repr, unknown))}; there are {', '.join(axes)}")
        chosen = [selection.get(name, slice(None)) for name in axes]
    else:
        given = () if selection is None else selection if isinstance(selection, tuple) else (selection,)
        if len(given) > len(axes):
            raise ValueError(f"{len(given)} axes were selected of {len(axes)}")
        chosen = [*given, *[slice(None)] * (len(axes) - len(given))]
    keys: list[Key] = []
    for name, key, length in zip(axes, chosen, shape, strict=True):
        if isinstance(key, slice):
            keys.append(key)
            continue
        found = np.atleast_1d(np.asarray(key))
        if not found.size:  # an empty list has no integers in NumPy's eyes
            found = found.astype(np.int64)
        if found.ndim != 1 or found.dtype.kind not in "iub":
            raise ValueError(f"axis {name!r} is selected by an integer, a slice, indices or a mask, not by {key!r}")
        try:
            keys.append(np.arange(length)[found])
        except IndexError as error:
            raise zarrite.errors.ArrayIndexError(f"axis {name!r} of {length} cells: {error}") from error
    return keys


def _narrowed(indices: NDArray[Any], block: slice) -> Key:
    """Indices as a slice where they are one: the engine reads slices faster."""
    count = len(indices)
    if count == 0 or block.stop == block.start:
        return slice(0, 0)
    step = int(indices[1] - indices[0]) if count > 1 else 1
    if step < 1 or (np.diff(indices) != step).any():
        return indices
    return slice(int(indices[0]), int(indices[-1]) + 1, step)


def _type(dtype: np.dtype[Any], name: str) -> Any:
    """The Arrow type of a column."""
    if dtype.kind in "TU":
        return pa.large_string()
    if dtype.kind in "SO":
        return pa.large_binary()
    try:
        return pa.array(np.empty(0, dtype.newbyteorder("="))).type
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(f"Arrow has no column of {dtype}, which {name!r} has; leave it out with variables=") from error


def _column(values: NDArray[Any], kind: Any) -> Any:
    """Values as an Arrow array."""
    if values.dtype.kind in "TUSO":
        return pa.array(values.tolist(), kind)
    return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False)), kind)
