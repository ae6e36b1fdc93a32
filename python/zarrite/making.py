"""Making nodes: from what a user asks for to documents in a store."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zarrite import formats
from zarrite._engine import Store
from zarrite._verb import Steps
from zarrite.array import Array
from zarrite.catalog import Catalog
from zarrite.cells import Writing, program_of
from zarrite.changing import put_new
from zarrite.config import ArrayConfig, array_config, config
from zarrite.errors import (
    ContainsArrayAndGroupError,
    ContainsArrayError,
    ContainsGroupError,
    LimitError,
    MetadataValidationError,
    ReadOnlyError,
)
from zarrite.formats.names import check_names
from zarrite.listed import delete_node
from zarrite.model.edges import Edges
from zarrite.model.grids import Grid
from zarrite.model.node import DEFAULT_FILL, ArrayModel, GroupModel
from zarrite.node import Model, Seat, ancestors, fetch, seat_of
from zarrite.selection import Box, basic
from zarrite.stores import join_url, place_of

__all__ = [
    "array_model",
    "default_format",
    "ensure_parents",
    "fill_from",
    "make_array",
    "make_group",
    "put_node",
    "regions",
]

PIECE_BYTES = 64 << 20
"""How much of a source that is not in memory is copied at a time."""


def default_format(zarr_format: int | None) -> int:
    """The format asked for, or the process's default."""
    return config.flat["default_zarr_format"] if zarr_format is None else zarr_format


# ---------------------------------------------------------------- documents


def put_node(
    store: Store,
    path: str,
    model: Model,
    *,
    overwrite: bool,
    above: str | None = None,
    catalog: Catalog | None = None,
) -> Steps[Seat]:
    """Puts a new node's documents where nothing is yet, and those of groups above it that are missing.

    Args:
        store: where.
        path: the new node's path.
        model: what it is.
        overwrite: first delete what is at the path.
        above: a path at which a group is known to be; nothing up to it is looked at. `None`: nothing is known.
        catalog: consolidated documents that must learn of the node.

    Raises:
        ContainsArrayError, ContainsGroupError: something is there and `overwrite` is not set.
        KeyRefusedError: a name that no node may have.
        ReadOnlyError: the store is open for reading only.
    """
    if store.read_only:
        raise ReadOnlyError(store.url)
    check_names(path)
    documents = list(formats.dump(model, path).items())
    seat = seat_of(store, path)
    yield from ensure_parents(store, path, model.zarr_format, above, catalog)
    if overwrite:
        yield from delete_node(store, path)
    if len(documents) == 1:
        key, document = documents[0]
        if not (yield from put_new(store, key, document)):
            yield from refuse_existing(store, path, model.zarr_format)
            yield store.put(key, document)  # what was there went away meanwhile
    else:
        if not overwrite:
            yield from refuse_existing(store, path, model.zarr_format)
        yield store.put_many(documents)
    seat.published(model)
    if catalog is not None:
        yield from catalog.changed(store, path, model)
    return seat


def refuse_existing(store: Store, path: str, zarr_format: int) -> Steps[None]:
    """Raises when there is a node of the format at a path."""
    keys = formats.document_keys(path, zarr_format)
    documents = dict(zip(keys, (yield store.get_many(keys)), strict=True))
    place = join_url(store.url, "")
    try:
        found = formats.parse(path, documents, zarr_format)
    except MetadataValidationError:
        raise ContainsArrayAndGroupError(
            f"there is a damaged document at {join_url(store.url, path)}; pass overwrite=True to replace what is there"
        ) from None
    if isinstance(found, ArrayModel):
        raise ContainsArrayError(place, path)
    if found is not None:
        raise ContainsGroupError(place, path)


def ensure_parents(
    store: Store, path: str, zarr_format: int, above: str | None, catalog: Catalog | None = None
) -> Steps[None]:
    """Makes the groups above a path that are missing, the outermost first.

    Raises:
        ContainsArrayError: one of them is an array, which holds no members.
    """
    parents = ancestors(path)
    if above is not None:
        parents = [parent for parent in parents if len(parent) > len(above)]
    group = GroupModel(zarr_format)
    for parent in parents:
        documents = list(formats.dump(group, parent).items())
        made = False
        if len(documents) == 1:
            made = yield from put_new(store, *documents[0])
        if not made:
            # A group of another format is a parent too: a second document beside its own would make it two nodes.
            found, _ = yield from fetch(store, parent, zarr_format if len(documents) == 1 else None)
            if isinstance(found, ArrayModel):
                raise ContainsArrayError(
                    f"the array {join_url(store.url, parent)} lies above {path!r}; only groups have members, "
                    "take another path"
                )
            if found is not None:
                continue
            yield store.put_many(documents)
        seat_of(store, parent).published(group)
        if catalog is not None:
            yield from catalog.changed(store, parent, group)


# ---------------------------------------------------------------- arrays


def array_model(
    *,
    shape: Any,
    dtype: Any,
    zarr_format: int,
    fill_value: Any = DEFAULT_FILL,
    order: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    **settings: Any,
) -> ArrayModel:
    """The model of a new array; whatever is "auto" is decided.

    Raises:
        MetadataValidationError: settings that contradict each other (a `ValueError`).
        TypeError: no data type.
    """
    if dtype is None:
        raise TypeError("the array needs a dtype (or data to take it from)")
    return ArrayModel.create(
        shape=shape,
        dtype=dtype,
        zarr_format=zarr_format,
        fill_value=fill_value,
        order=order if order is not None else config.flat["array.order"],
        attributes=attributes,
        drafts=bool(config.flat["experimental.drafts"]),
        **settings,
    )


def make_array(
    store: Store,
    path: str,
    *,
    shape: Any = None,
    dtype: Any = None,
    data: Any = None,
    overwrite: bool = False,
    write_data: bool = True,
    zarr_format: int | None = None,
    handle_config: ArrayConfig | Mapping[str, Any] | None = None,
    above: str | None = None,
    catalog: Catalog | None = None,
    **settings: Any,
) -> Steps[Array]:
    """Makes an array; fills it where there are data."""
    if data is not None:
        if shape is not None or dtype is not None:
            raise ValueError("shape and dtype are taken from data; pass either data, or shape and dtype")
        if not hasattr(data, "shape") or not hasattr(data, "dtype"):
            data = np.asarray(data)
        shape, dtype = data.shape, data.metadata.data_type if isinstance(data, Array) else data.dtype
    elif shape is None:
        raise ValueError("an array needs a shape and a dtype, or data to take them from")
    own = array_config(handle_config, order=settings.get("order"))
    if settings.get("order") is None and handle_config is not None:
        settings["order"] = own.order  # what format 2 keeps, and the others have no word for
    model = array_model(shape=shape, dtype=dtype, zarr_format=default_format(zarr_format), **settings)
    if formats.keeps_order(model):
        own = own._replace(order=model.order)
    # What does not fit together is found before anything is stored; what is too large here may fit elsewhere.
    with contextlib.suppress(LimitError):
        program_of(model, own)
    if overwrite and write_data:
        spare_source(store, path, data)
    seat = yield from put_node(store, path, model, overwrite=overwrite, above=above, catalog=catalog)
    array = Array(store, path, model, own, seat, catalog)
    if data is not None and write_data and array.size:
        yield from fill_from(array, data)
    return array


def spare_source(store: Store, path: str, data: Any) -> None:
    """Refuses to delete the array whose cells are to be copied.

    Raises:
        ValueError: it lies where the new one is to be, or below.
    """
    if isinstance(data, Array):
        source, goal = place_of(data._store, data.path), place_of(store, path)
        if (source + "/").startswith(goal + "/"):
            raise ValueError(
                f"the array {data.url} is at {join_url(store.url, path)} or below, where overwrite=True deletes it "
                "before its cells are copied; copy it to another place first, or pass data=array[...]"
            )


def fill_from(array: Array, data: Any) -> Steps[None]:
    """Writes all cells of an array from something of its shape: at once from memory, piece by piece from elsewhere."""
    if isinstance(data, (np.ndarray, np.generic)) or not hasattr(data, "__getitem__"):
        yield Writing(array._cells, array.metadata.data_type, basic(..., array.shape), _as_array(data)).pending
        return
    for region in regions(array.shape, array.metadata.grid, array.dtype.itemsize):
        values = data.read.steps(region) if isinstance(data, Array) else None
        cells = (yield from values) if values is not None else np.asarray(data[region])
        chosen: Box = basic(region, array.shape)
        yield Writing(array._cells, array.metadata.data_type, chosen, cells).pending


def _as_array(data: Any) -> Any:
    """Data as an array; masks of masked arrays stay."""
    return data if isinstance(data, np.ma.MaskedArray) else np.asarray(data)


def regions(
    shape: tuple[int, ...], grid: Grid, cell_bytes: int, piece_bytes: int = PIECE_BYTES
) -> Iterator[tuple[slice, ...]]:
    """Cuts an array into boxes made of whole stored objects, each of about `piece_bytes` or one object.

    Args:
        shape: the array's shape, in cells.
        grid: where the stored objects lie.
        cell_bytes: bytes of a cell in memory.
        piece_bytes: how large a box should become.

    Example:
        >>> from zarrite.model.grids import RegularGrid
        >>> list(regions((5, 4), RegularGrid((2, 4)), 1, 16))
        [(slice(0, 4, None), slice(0, 4, None)), (slice(4, 5, None), slice(0, 4, None))]
    """
    edges = [min(edge, length) if length else edge for edge, length in zip(grid.largest, shape, strict=True)]
    held = cell_bytes
    for edge in edges:
        held *= edge
    # The last axis grows first: neighbours in it are neighbours in memory.
    for axis in reversed(range(len(shape))):
        whole = -(-shape[axis] // edges[axis]) if edges[axis] else 1
        times = max(1, min(whole, piece_bytes // max(held, 1)))
        edges[axis] *= times
        held *= times
        if times < whole:
            break
    cut = [list(_cuts(*axis)) for axis in zip(grid.axes, shape, edges, strict=True)]
    yield from itertools.product(*cut)


def _cuts(axis: Edges, length: int, cells: int) -> Iterator[slice]:
    """Cuts an axis into runs of whole objects, each of at least so many cells."""
    start = 0
    while start < length:
        stop = min(length, axis.start(axis.at(min(length, start + max(1, cells)) - 1) + 1))
        yield slice(start, stop)
        start = stop


def make_group(
    store: Store,
    path: str,
    *,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    above: str | None = None,
    catalog: Catalog | None = None,
) -> Steps[tuple[GroupModel, Seat]]:
    """Makes a group's documents; the handle is the caller's."""
    model = GroupModel(default_format(zarr_format), dict(attributes or {}))
    seat = yield from put_node(store, path, model, overwrite=overwrite, above=above, catalog=catalog)
    return model, seat
