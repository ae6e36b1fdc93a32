"""Making arrays, groups and hierarchies: `zarrite.create_array` and its kin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zarrite._verb import Steps, verb
from zarrite.array import Array
from zarrite.config import array_config
from zarrite.errors import NodeExistsError, ReadOnlyError, meant
from zarrite.group import Group
from zarrite.hierarchy import put_hierarchy
from zarrite.likeness import chunks_of, kept_format, kept_settings, like
from zarrite.making import default_format, fill_from, make_array, make_group, spare_source
from zarrite.model.chain import codec_from_user
from zarrite.model.codecs import ARRAY, SERIALIZER
from zarrite.model.node import DEFAULT_FILL, ArrayModel
from zarrite.node import asked_format, fetch
from zarrite.stores import join, join_url, resolve

__all__ = [
    "array",
    "create",
    "create_array",
    "create_group",
    "create_hierarchy",
    "empty",
    "empty_like",
    "from_array",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


@verb
def create_array(
    store: Any,
    *,
    name: str | None = None,
    shape: Any = None,
    dtype: Any = None,
    data: Any = None,
    chunks: Any = "auto",
    shards: Any = None,
    filters: Any = "auto",
    compressors: Any = "auto",
    serializer: Any = "auto",
    fill_value: Any = DEFAULT_FILL,
    order: str | None = None,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    chunk_key_encoding: Any = None,
    dimension_names: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    config: Any = None,
    write_data: bool = True,
    **older: Any,
) -> Steps[Array]:
    """A new array.

    Args:
        store: where: a path, a URL, a dictionary, a store, or `None` for memory.
        name: path of the array inside the store; the root when `None`.
        shape: length of every axis, in cells.
        dtype: data type of a cell.
        data: cells to fill it with, instead of `shape` and `dtype`.
        chunks: chunk shape in cells (the smallest part that is read alone), or "auto". An axis may have a list of
            lengths instead of one: `[[31, 28, 31], 100]`; `[length, count]` in such a list stands for equal ones.
        shards: shard shape in cells (a stored object of many chunks), "auto", or `None` for an object a chunk; lists
            of lengths likewise.
        filters: codecs from cells to cells.
        compressors: codecs from bytes to bytes; "auto" is zstd, `None` is none.
        serializer: codec that makes bytes of cells.
        fill_value: what cells are that were never written.
        order: memory order, "C" or "F".
        zarr_format: 3 or 2.
        attributes: the array's attributes.
        chunk_key_encoding: how stored objects are called.
        dimension_names: a name for every axis.
        storage_options: options of remote stores.
        overwrite: first delete what is there.
        config: what the handle does in its own way; see `Array.with_config`.
        write_data: whether `data` are written, or only described.
        older: keywords of zarr-python 2: `compressor`, `dimension_separator` and `write_empty_chunks` mean what they
            meant; `synchronizer` and its like are not needed and not looked at.

    Raises:
        ContainsArrayError, ContainsGroupError: there is something (a `ValueError`).
        MetadataValidationError: settings that do not fit together (a `ValueError`).
        ReadOnlyError: the place cannot be written.
        TypeError: an unknown keyword.

    Example:
        >>> import zarrite
        >>> array = zarrite.create_array(None, shape=(8, 8), shards=(4, 8), chunks=(2, 2), dtype="int16")
        >>> array.chunks, array.shards, array.nchunks
        ((2, 2), (4, 8), 16)
    """
    zarr_format = asked_format(store, zarr_format)
    if older:
        from zarrite.older import settings_of

        known = {"compressors": compressors, "chunk_key_encoding": chunk_key_encoding, "config": config}
        known.update(settings_of(older, default_format(zarr_format), known))
        compressors, chunk_key_encoding, config = known.values()
    place, path = resolve(store, name, writes=True, storage_options=storage_options)
    return (
        yield from make_array(
            place,
            path,
            shape=shape,
            dtype=dtype,
            data=data,
            overwrite=overwrite,
            write_data=write_data,
            zarr_format=zarr_format,
            handle_config=config,
            chunks=chunks,
            shards=shards,
            filters=filters,
            compressors=compressors,
            serializer=serializer,
            fill_value=fill_value,
            order=order,
            attributes=attributes,
            chunk_key_encoding=chunk_key_encoding,
            dimension_names=dimension_names,
        )
    )


MODES = ("r", "r+", "a", "w", "w-")


def check_words(settings: Mapping[str, Any], door: str) -> None:
    """Refuses a keyword that `create` does not know; without this one it would go unseen where an array is there.

    Args:
        settings: what was passed, by keyword.
        door: the function that it was passed to.

    Raises:
        TypeError: names the keyword, and those that are like it.
    """
    from zarrite.older import IGNORED

    code = create.steps.__code__
    words = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], *IGNORED, "shards", "compressors"}
    words |= {"serializer"} if door == "create" else {"serializer", "axis_order"}
    for name in settings:
        if name not in words:
            raise TypeError(f"{door}() got an unexpected keyword argument {name!r}{meant(name, sorted(words))}")


@verb
def create(
    shape: Any = None,
    *,
    chunks: Any = None,
    dtype: Any = None,
    compressor: Any = "auto",
    fill_value: Any = DEFAULT_FILL,
    order: str | None = None,
    store: Any = None,
    overwrite: bool = False,
    path: Any = None,
    filters: Any = "auto",
    dimension_separator: str | None = None,
    write_empty_chunks: bool | None = None,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    chunk_shape: Any = None,
    chunk_key_encoding: Any = None,
    codecs: Any = None,
    dimension_names: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    config: Any = None,
    mode: str | None = None,
    data: Any = None,
    **more: Any,
) -> Steps[Array]:
    """A new array, with the keywords of zarr-python's `create`; new programs use `create_array`.

    Args:
        shape: length of every axis, in cells.
        chunks: chunk shape; `True` or `None` chooses one, `False` is one chunk for all.
        dtype: data type of a cell; float64 when `None`.
        compressor: one codec from bytes to bytes.
        fill_value: what cells are that were never written.
        order: memory order, "C" or "F".
        store: where; memory when `None`.
        overwrite: first delete what is there.
        path: path of the array inside the store.
        filters: codecs from cells to cells.
        dimension_separator: what stands between the numbers in the keys of stored objects, "." or "/".
        write_empty_chunks: whether chunks of nothing but the fill value are stored.
        zarr_format: 3 or 2.
        attributes: the array's attributes.
        chunk_shape: another name of `chunks`.
        chunk_key_encoding: how stored objects are called.
        codecs: all codecs of the chain, in encoding order, instead of `filters` and `compressor`.
        dimension_names: a name for every axis.
        storage_options: options of remote stores.
        config: what the handle does in its own way.
        mode: "w" overwrites.
        data: cells to fill it with.
        more: `shards`, `compressors` and `serializer` as in `create_array`.

    Raises:
        TypeError: an unknown keyword.
    """
    if more:
        check_words(more, "create")
    settings: dict[str, Any] = {name: more[name] for name in ("shards", "serializer") if name in more}
    settings["compressors"] = more.get("compressors", compressor)
    settings["filters"] = filters
    if chunk_shape is not None:
        chunks = chunk_shape
    settings["chunks"] = "auto" if chunks is None or chunks is True else chunks
    if codecs is not None:
        settings.update(split_codecs(codecs))
    zarr_format = asked_format(store, zarr_format)
    if dimension_separator is not None and chunk_key_encoding is None:
        from zarrite.older import key_encoding

        chunk_key_encoding = key_encoding(dimension_separator, default_format(zarr_format))
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}, not {mode!r}")
    place, inside = resolve(store, path, writes=True, mode=mode, storage_options=storage_options)
    if mode == "w-" and (yield from fetch(place, inside, zarr_format))[0] is not None:
        raise NodeExistsError(
            f"{join_url(place.url, inside)} is there, and mode 'w-' makes new nodes only; see open_array"
        )
    if mode == "r":
        raise ReadOnlyError(
            place.url, "nothing is made with mode='r', which is read-only; leave the mode out, or say 'w' to replace"
        )
    if data is not None and shape is not None and dtype is None:
        dtype = "float64"  # what is asked for without data, too
    return (
        yield from make_array(
            place,
            inside,
            shape=shape if data is None else None,
            dtype=(dtype if dtype is not None else "float64") if data is None else None,
            data=data if data is None or dtype is None else np.asarray(data).astype(dtype),
            overwrite=overwrite or mode == "w",
            zarr_format=zarr_format,
            handle_config=array_config(config, write_empty_chunks=write_empty_chunks, order=order),
            fill_value=fill_value,
            order=order,
            attributes=attributes,
            chunk_key_encoding=chunk_key_encoding,
            dimension_names=dimension_names,
            **settings,
        )
    )


def split_codecs(codecs: Any) -> dict[str, Any]:
    """A whole chain as filters, serializer and compressors."""
    chain = [codec_from_user(codec) for codec in codecs]
    serializers = [codec for codec in chain if codec.kind == SERIALIZER]
    settings: dict[str, Any] = {
        "filters": [codec for codec in chain if codec.kind == ARRAY],
        "compressors": [codec for codec in chain if codec.kind not in (ARRAY, SERIALIZER)],
    }
    if serializers:
        settings["serializer"] = serializers[0]
    return settings


@verb
def array(data: Any, **settings: Any) -> Steps[Array]:
    """A new array with the cells of something array-like; in memory, unless `store` says where.

    Args:
        data: the cells: a NumPy array, a zarrite array, a list of numbers ...
        settings: as in `create`.

    Example:
        >>> import zarrite
        >>> zarrite.array([1, 2, 3])[:]
        array([1, 2, 3])
    """
    if not hasattr(data, "shape") or not hasattr(data, "dtype"):
        data = np.asarray(data)
    if isinstance(data, Array) and "chunks" not in settings:
        settings["chunks"] = chunks_of(data)
    return (yield from create.steps(data=data, **settings))


@verb
def from_array(
    store: Any,
    *,
    data: Any,
    write_data: bool = True,
    name: str | None = None,
    chunks: Any = "keep",
    shards: Any = "keep",
    filters: Any = "keep",
    compressors: Any = "keep",
    serializer: Any = "keep",
    fill_value: Any = DEFAULT_FILL,
    order: str | None = None,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    chunk_key_encoding: Any = None,
    dimension_names: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    config: Any = None,
) -> Steps[Array]:
    """A new array with the cells of another; copied piece by piece, so that it may be larger than memory.

    Args:
        store: where; `None` is memory.
        data: a zarrite array, or anything with `shape`, `dtype` and brackets.
        write_data: whether the cells are copied, or the array is only described.
        name: path of the array inside the store.
        chunks: chunk shape; "keep" is that of `data`.
        shards: shard shape; "keep" is that of `data`.
        filters: codecs from cells to cells; "keep" are those of `data`.
        compressors: codecs from bytes to bytes; "keep" are those of `data`.
        serializer: codec that makes bytes of cells; "keep" is that of `data`.
        fill_value: what cells are that were never written; that of `data` when left out.
        order: memory order.
        zarr_format: 3 or 2; that of `data` when `None`.
        attributes: the array's attributes; those of `data` when `None`.
        chunk_key_encoding: how stored objects are called; as those of `data` when `None` and the format is the same.
        dimension_names: a name for every axis; those of `data` when `None`.
        storage_options: options of remote stores.
        overwrite: first delete what is there.
        config: what the handle does in its own way.

    Raises:
        ContainsArrayError, ContainsGroupError: there is something (a `ValueError`).
    """
    if not hasattr(data, "shape") or not hasattr(data, "dtype"):
        data = np.asarray(data)
    number = asked_format(store, zarr_format)
    if number is None:
        number = kept_format(data) if isinstance(data, Array) else default_format(None)
    settings = kept_settings(
        data,
        number,
        {
            "chunks": chunks,
            "shards": shards,
            "filters": filters,
            "compressors": compressors,
            "serializer": serializer,
            "fill_value": fill_value,
            "order": order,
            "attributes": attributes,
            "dimension_names": dimension_names,
            "chunk_key_encoding": chunk_key_encoding,
        },
    )
    place, path = resolve(store, name, writes=True, storage_options=storage_options)
    if overwrite and write_data:
        spare_source(place, path, data)
    made = yield from make_array(
        place,
        path,
        shape=data.shape,
        dtype=data.metadata.data_type if isinstance(data, Array) else data.dtype,
        overwrite=overwrite,
        zarr_format=number,
        handle_config=config,
        **settings,
    )
    if write_data and made.size:
        yield from fill_from(made, data)
    return made


# ---------------------------------------------------------------- filled arrays


@verb
def empty(shape: Any, **settings: Any) -> Steps[Array]:
    """A new array whose cells nobody has set; they read as the fill value."""
    return (yield from create.steps(shape, **settings))


@verb
def zeros(shape: Any, **settings: Any) -> Steps[Array]:
    """A new array of zeros, which takes no space until something is written."""
    return (yield from create.steps(shape, **{**settings, "fill_value": 0}))


@verb
def ones(shape: Any, **settings: Any) -> Steps[Array]:
    """A new array of ones, which takes no space until something is written."""
    return (yield from create.steps(shape, **{**settings, "fill_value": 1}))


@verb
def full(shape: Any, fill_value: Any, **settings: Any) -> Steps[Array]:
    """A new array of one value, which takes no space until something is written.

    Args:
        shape: length of every axis, in cells.
        fill_value: the value; its type is the array's where no `dtype` is given.
        settings: as in `create`.
    """
    if settings.get("dtype") is None:
        settings["dtype"] = np.asarray(fill_value).dtype
    return (yield from create.steps(shape, fill_value=fill_value, **settings))


def _like(a: Any, settings: dict[str, Any], zarr_format: int | None) -> Steps[Array]:
    place = settings.pop("store", None)
    path = settings.pop("path", None)
    wanted = like(a, **settings, zarr_format=zarr_format)
    wanted.setdefault("zarr_format", default_format(zarr_format))
    return (yield from create_array.steps(place, name=path, **wanted))


@verb
def empty_like(a: Any, *, zarr_format: int | None = None, **settings: Any) -> Steps[Array]:
    """A new array with the shape, data type, chunks and codecs of another."""
    return (yield from _like(a, settings, zarr_format))


@verb
def zeros_like(a: Any, *, zarr_format: int | None = None, **settings: Any) -> Steps[Array]:
    """A new array of zeros that is otherwise like another."""
    return (yield from _like(a, {**settings, "fill_value": 0}, zarr_format))


@verb
def ones_like(a: Any, *, zarr_format: int | None = None, **settings: Any) -> Steps[Array]:
    """A new array of ones that is otherwise like another."""
    return (yield from _like(a, {**settings, "fill_value": 1}, zarr_format))


@verb
def full_like(a: Any, *, zarr_format: int | None = None, **settings: Any) -> Steps[Array]:
    """A new array of one value (`fill_value`) that is otherwise like another."""
    return (yield from _like(a, settings, zarr_format))


# ---------------------------------------------------------------- groups


@verb
def create_group(
    store: Any = None,
    *,
    path: Any = None,
    zarr_format: int | None = None,
    overwrite: bool = False,
    attributes: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Steps[Group]:
    """A new group.

    Args:
        store: where; memory when `None`.
        path: path of the group inside the store.
        zarr_format: 3 or 2.
        overwrite: first delete what is there.
        attributes: the group's attributes.
        storage_options: options of remote stores.

    Raises:
        ContainsArrayError, ContainsGroupError: there is something (a `ValueError`).
    """
    place, inside = resolve(store, path, writes=True, storage_options=storage_options)
    model, seat = yield from make_group(
        place, inside, zarr_format=asked_format(store, zarr_format), attributes=attributes, overwrite=overwrite
    )
    return Group(place, inside, model, seat)


@verb
def create_hierarchy(
    *, store: Any, nodes: Mapping[str, Any], overwrite: bool = False
) -> Steps[Iterator[tuple[str, Array | Group]]]:
    """Many new nodes, written with one batch.

    Args:
        store: where.
        nodes: models or metadata documents by path; groups between them that are not named are made too.
        overwrite: first delete what is at those paths.

    Returns:
        pairs of path and handle, parents first.

    Raises:
        ContainsArrayError, ContainsGroupError: there is something; nothing was written then.
    """
    place, base = resolve(store, writes=True)
    made = yield from put_hierarchy(place, base, nodes, overwrite=overwrite)
    handles: list[tuple[str, Array | Group]] = []
    for name, model in made.items():
        path = join(base, name)
        handles.append(
            (name, Array(place, path, model) if isinstance(model, ArrayModel) else Group(place, path, model))
        )
    return iter(handles)
