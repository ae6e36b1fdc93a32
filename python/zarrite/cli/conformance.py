"""`zarrite conformance`: every cell of an array, as suites that compare implementations of Zarr want it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import typer

import zarrite
from zarrite.cli.places import Options, node_at, storage_options
from zarrite.cli.speak import answers
from zarrite.errors import BaseZarrError

__all__ = ["conformance"]

SLAB_BYTES = 32 << 20
"""About how many bytes of cells are held at once."""


@answers
def conformance(
    array_path: Annotated[
        str, typer.Option("--array_path", "--array-path", help="An array: a folder, or any place that `info` takes.")
    ],
    option: Options = None,
) -> None:
    """Print every cell in C order, one a line, as JSON writes a fill value of the array's data type.

    This is the command that zarr-conformance-tests asks of an implementation.
    """
    array = node_at(array_path, storage_options(option))
    if not isinstance(array, zarrite.Array):
        raise BaseZarrError(f"{array_path} is a group; name an array in it with --array_path")
    for line in lines(array):
        print(line)


def lines(array: zarrite.Array) -> Iterator[str]:
    """The cells of an array in C order, each as JSON on one line.

    Example:
        >>> array = zarrite.create_array({}, shape=(3,), chunks=(2,), dtype="float32")
        >>> array[:2] = [0.5, float("nan")]
        >>> list(lines(array))
        ['0.5', '"NaN"', '0.0']
    """
    to_json = array.metadata.data_type.fill_to_json
    for slab, shape in _slabs(array):
        for index in np.ndindex(shape):
            cell = slab[index]
            told = None if cell is np.ma.masked else to_json(cell)
            yield json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_within)


def _within(value: Any) -> Any:
    """What lies inside a Python object and JSON does not know, as fill values have it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"a cell holds {type(value).__name__} {value!r}, which has no form in JSON")


def _slabs(array: zarrite.Array) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """The cells in parts along the first axis, whole rows of chunks where they are known to be alike."""
    if not array.shape:
        yield np.asanyarray(array[...]), ()
        return
    length, *others = array.shape
    row_bytes = max(1, math.prod(others) * array.dtype.itemsize)
    grid = array.metadata.grid
    chunk = int(grid.chunk_shape[0]) if grid.is_regular else 1
    step = max(1, SLAB_BYTES // row_bytes // chunk) * chunk
    for start in range(0, length, step):
        stop = min(length, start + step)
        yield np.asanyarray(array[start:stop]), (stop - start, *others)
