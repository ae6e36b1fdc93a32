"""What zarr-python's tests take from inside it to say what they expect, written anew over zarrite and NumPy.

Nothing here is under test: these are the tests' own measures, such as orthogonal indexing of a NumPy array.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs, formats, selection
from zarrite.as_zarr import buffers, coding, dtype
from zarrite.as_zarr.metadata import ArrayV2Metadata, ArrayV3Metadata
from zarrite.as_zarr.nodes import awaited
from zarrite.as_zarr.storage import MemoryStore
from zarrite.model.node import ArrayModel
from zarrite.stores import StorePath, resolve

__all__ = ["INSIDE", "POISON", "private"]


def oindex(a: Any, selection: Any) -> Any:
    """Orthogonal indexing of a NumPy array."""
    return a[_ix(a, selection)].reshape(_shape(a, selection))


def oindex_set(a: Any, selection: Any, value: Any) -> None:
    """Orthogonal writing to a NumPy array."""
    at = _ix(a, selection)
    a[at] = value if np.isscalar(value) else np.asanyarray(value).reshape(a[at].shape)


def _filled(a: Any, selection: Any) -> tuple[Any, ...]:
    chosen = selection if isinstance(selection, tuple) else (selection,)
    if any(one is Ellipsis for one in chosen):
        at = next(place for place, one in enumerate(chosen) if one is Ellipsis)
        rest = a.ndim - len(chosen) + 1
        chosen = (*chosen[:at], *(slice(None),) * rest, *chosen[at + 1 :])
    return (*chosen, *(slice(None),) * (a.ndim - len(chosen)))


def _ix(a: Any, selection: Any) -> Any:
    axes = []
    for length, one in zip(a.shape, _filled(a, selection), strict=True):
        index = np.arange(length)[one] if isinstance(one, slice) else np.asarray(one)
        axes.append(np.flatnonzero(index) if index.dtype == bool else np.atleast_1d(index))
    return np.ix_(*axes)


def _shape(a: Any, selection: Any) -> tuple[int, ...]:
    lengths = [len(axis.ravel()) for axis in _ix(a, selection)]
    kept = [np.ndim(one) > 0 or isinstance(one, slice) for one in _filled(a, selection)]
    return tuple(length for length, keep in zip(lengths, kept, strict=True) if keep)


def replace_ellipsis(selection: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A selection with an entry for each axis."""
    return _filled(np.empty(shape, dtype="u1"), selection)


def morton_order_coords(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """All places of a grid along a Z-shaped curve."""

    def code(place: tuple[int, ...]) -> int:
        bits = max(length.bit_length() for length in shape)
        return sum(
            ((place[axis] >> bit) & 1) << (bit * len(shape) + axis) for bit in range(bits) for axis in range(len(shape))
        )

    return tuple(sorted(itertools.product(*map(range, shape)), key=code))


def lexicographic_order_coords(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """All places of a grid in C order."""
    return tuple(itertools.product(*map(range, shape)))


def unpack_dtype_json(data: Any) -> Any:
    """The part of a data type's document that an array's document has."""
    return data["name"] if isinstance(data, dict) and set(data) == {"name", "object_codec_id"} else data


def create_array_metadata(*, shape: Any, dtype: Any, zarr_format: int, **settings: Any) -> Any:
    """The model of a new array."""
    return ArrayModel.create(shape=shape, dtype=dtype, zarr_format=zarr_format, **settings)


def meta_from_array(array: Any, **settings: Any) -> Any:
    """The model of an array like one of NumPy's."""
    return create_array_metadata(shape=array.shape, dtype=array.dtype, **{"zarr_format": 3, **settings})


def create_nodes(*, store: Any, nodes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nodes without the groups above them."""
    place, _ = resolve(store)
    for name, node in nodes.items():
        path = name.strip("/")
        for key, document in formats.dump(node, path).items():
            place.put(key, document).result()
        made = StorePath(place, path)
        yield name, zarrite.open(made, mode="r+", zarr_format=node.zarr_format)


def create_rooted_hierarchy(*, store: Any, nodes: dict[str, Any], overwrite: bool = False) -> Any:
    """A hierarchy, and the node on its top."""
    if not nodes:
        raise ValueError("a hierarchy without nodes has no top")
    top = min(nodes, key=lambda name: (name.count("/") + bool(name), name))
    if any(name != top and top and not name.startswith(top + "/") for name in nodes):
        raise ValueError("a hierarchy with several tops")
    made = dict(zarrite.create_hierarchy(store=store, nodes=nodes, overwrite=overwrite))
    return made[top]


def get_node(store: Any, path: str, zarr_format: int) -> Any:
    """The node at a path."""
    return zarrite.open(store, path=path, mode="r", zarr_format=zarr_format)


def _awaited(function: Any) -> Any:
    async def door(*args: Any, **kwargs: Any) -> Any:
        return awaited(function(*args, **kwargs))

    return door


async def _create_nodes(*, store: Any, nodes: dict[str, Any]) -> Any:
    for name, node in create_nodes(store=store, nodes=nodes):
        yield name, awaited(node)


def _alone(way: str, cells: Any, offset: Any, scale: Any) -> Any:
    codec = codecs.ScaleOffset(offset=offset, scale=scale)
    buffer = buffers.CPUNDBuffer.from_numpy_array(cells)
    spec = coding.ArraySpec(cells.shape, dtype.parse_dtype(cells.dtype), 0, None, None)
    return getattr(codec, way)(buffer, spec).as_numpy_array()


def scaled(cells: Any, offset: Any, scale: Any) -> Any:
    """What codec 'scale_offset' makes of cells."""
    return _alone("_encode_sync", cells, offset, scale)


def unscaled(cells: Any, offset: Any, scale: Any, *, scale_repr: Any) -> Any:
    """What codec 'scale_offset' makes cells of."""
    return _alone("_decode_sync", cells, offset, scale)


def normalize_integer_selection(index: int, length: int) -> Any:
    """The place of an index along an axis."""
    return selection.basic(index, (length,)).axes[0][0]


POISON = ("zarr.core.chunk_grids.ChunkGrid",)
"""Names that zarrite has, and that mean something else inside zarr-python."""

INSIDE: dict[str, Any] = {
    "zarr.core.sync_group.create_nodes": create_nodes,
    "zarr.testing.utils.gpu_test": pytest.mark.skip(reason="needs a GPU, which zarrite has no use for"),
    "zarr.core.sync_group.create_rooted_hierarchy": create_rooted_hierarchy,
    "zarr.core.sync_group.create_hierarchy": zarrite.create_hierarchy,
    "zarr.core.sync_group.get_node": get_node,
    "zarr.core.group.create_nodes": _create_nodes,
    "zarr.core.group.create_rooted_hierarchy": _awaited(create_rooted_hierarchy),
    "zarr.core.group.get_node": _awaited(get_node),
    "zarr.core.dtype.common.UnstableSpecificationWarning": zarrite.errors.UnstableSpecificationWarning,
    "zarr.core.dtype.npy.int.Int8": dtype.Int8,
    "zarr.core.dtype.npy.int.Int32": dtype.Int32,
    "zarr.core.dtype.npy.int.UInt8": dtype.UInt8,
    "zarr.core.dtype.npy.bytes.NullTerminatedBytes": dtype.NullTerminatedBytes,
    "zarr.core.dtype.npy.string.VariableLengthUTF8": dtype.VariableLengthUTF8,
    "zarr.core.dtype.npy.structured.Struct": dtype.Struct,
    "zarr.core.dtype.wrapper.ZDType": dtype.ZDType,
    "zarr.storage._memory.MemoryStore": MemoryStore,
    "zarr.codecs.scale_offset._decode": unscaled,
    "zarr.codecs.scale_offset._encode": scaled,
    "zarr.codecs.sharding.MAX_UINT_64": 2**64 - 1,
    "zarr.core.dtype.common.unpack_dtype_json": unpack_dtype_json,
    "zarr.core.dtype.npy.common.DATETIME_UNIT": ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"),
    "zarr.core.indexing.lexicographic_order_coords": lexicographic_order_coords,
    "zarr.core.indexing.morton_order_coords": morton_order_coords,
    "zarr.core.indexing.normalize_integer_selection": normalize_integer_selection,
    "zarr.core.indexing.oindex": oindex,
    "zarr.core.indexing.oindex_set": oindex_set,
    "zarr.core.indexing.replace_ellipsis": replace_ellipsis,
    "zarr.core.metadata.v2.ArrayV2Metadata": ArrayV2Metadata,
    "zarr.core.metadata.v3.ArrayV3Metadata": ArrayV3Metadata,
}
"""Names of modules of zarr-python's inside, and what stands for them."""


def private(array: type) -> None:
    """Private attributes that tests read, by the public ones that say the same."""
    array._zdtype = property(lambda self: self.metadata.data_type)  # type: ignore[attr-defined]
    array._chunk_grid = property(lambda self: self.metadata.grid)  # type: ignore[attr-defined]
