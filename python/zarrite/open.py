"""Opening what is there: `zarrite.open` and its kin."""

# ruff: noqa: ARG001 -- keywords of zarr-python that ask for nothing here are taken and not looked at

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite import formats
from zarrite._engine import Store
from zarrite._verb import Call, Steps, verb
from zarrite.array import Array
from zarrite.catalog import catalog_of
from zarrite.config import array_config
from zarrite.create import check_words, create, create_group
from zarrite.errors import (
    REPLACE,
    ArrayNotFoundError,
    BaseZarrError,
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
    NodeExistsError,
    NodeNotFoundError,
    NodeTypeValidationError,
)
from zarrite.group import Group
from zarrite.hierarchy import models_below
from zarrite.likeness import like
from zarrite.making import default_format, make_group
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.node import Model, Seat, asked_format, check_writable, fetch, plain, publish
from zarrite.stores import StorePath, join_url, resolve
from zarrite.stores.url import is_pipeline

__all__ = [
    "consolidate_metadata",
    "group",
    "open",
    "open_array",
    "open_consolidated",
    "open_group",
    "open_like",
    "tree",
]

MODES = ("r", "r+", "a", "w", "w-")
READS = ("r", "r+", "a")
NO_CONFIG = "config= is what an array's handle does in its own way, and this resolves to a group; leave it out"
ARRAY_WORDS = frozenset({"shape", "dtype", "data", "chunks", "fill_value", "compressor", "compressors"})


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise ValueError(
            f"mode must be 'r' (read), 'r+' (read and write), 'a' (the same, made when missing), 'w' (replaced) or "
            f"'w-' (made, must not be there), not {mode!r}"
        )


def _place(
    store: Any, path: Any, mode: str | None, storage_options: Mapping[str, Any] | None
) -> Steps[tuple[Store, str, str]]:
    """The store, the path and the mode that are meant. Those of a pipeline may have to be asked for."""
    if mode is not None:
        _check_mode(mode)

    def resolved() -> tuple[Store, str]:
        writes = mode in ("r+", "w", "w-")
        return resolve(store, path, read_only=mode == "r", writes=writes, mode=mode, storage_options=storage_options)

    place, inside = (yield Call(resolved)) if is_pipeline(store) else resolved()
    return place, inside, mode or ("r" if place.read_only else "a")


def _tried(path: str, zarr_format: int | None) -> tuple[str, ...]:
    rounds = (formats.first_keys, formats.next_keys, formats.last_keys)
    return tuple(key for keys_of in rounds for key in keys_of(path, zarr_format))


def _found(
    asked: Any, place: Store, path: str, zarr_format: int | None, options: Mapping[str, Any] | None, mode: str
) -> Steps[tuple[Store, str, Model | None, Seat]]:
    """The node at a place, or in the archive or the repository that lies there; where it is, and its seat."""
    model, seat = yield from fetch(place, path, zarr_format)
    if model is None and zarr_format is None:
        from zarrite.looking import look

        within = yield from look(asked, place, path, options, mode)
        if within is not None:
            place, path = within
            model, seat = yield from fetch(place, path)
    return place, path, model, seat


def _missing(
    error: type[NodeNotFoundError], place: Store, path: str, zarr_format: int | None, kind: str = ""
) -> Steps[NodeNotFoundError]:
    """The error of a node that is not there; says what was looked for, and what is there that is called like it."""
    from zarrite.looking import instead, is_absent, near

    other = yield from instead(place, path, zarr_format)
    alike = () if other else (yield from near(place, path))
    return error(place.url, path, _tried(path, zarr_format), alike, other, is_absent(place), kind)


@verb
def open(
    store: Any = None,
    *,
    mode: str | None = None,
    zarr_format: int | None = None,
    path: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    config: Any = None,
    **settings: Any,
) -> Steps[Array | Group]:
    """The array or group at a place.

    Args:
        store: where: a path, a URL, a `*.zip` archive, a dictionary, a store, or `None` for memory.
        mode: "r" (read), "r+" (read and write), "a" (the same, made when missing), "w" (replaced), "w-" (made, must not
            be there). "a" when `None`; "r" for a place that cannot be written.
        zarr_format: the one format to look for; both when `None`.
        path: path of the node inside the store.
        storage_options: options of remote stores.
        config: what an array handle does in its own way.
        settings: as in `create`, for a new array; without them a new node is a group. `dimension_separator` also says
            what stands between the numbers in the keys of an array of format 2 that is there, and whose document
            lacks it; `axis_order="file"` presents the axes of N5 as the file has them, the fastest first.

    Raises:
        GroupNotFoundError: nothing is there, an array neither (a `FileNotFoundError` and `ValueError`).
        MetadataValidationError: what is there cannot be understood.

    Example:
        >>> import zarrite
        >>> store = {}
        >>> zarrite.save(store, [1, 2, 3])
        >>> zarrite.open(store, mode="r")[1:]
        array([2, 3])
    """
    if settings:
        check_words(settings, "open")
    place, inside, mode = yield from _place(store, path, mode, storage_options)
    zarr_format = asked_format(store, zarr_format)
    if mode in READS:
        place, inside, model, seat = yield from _found(store, place, inside, zarr_format, storage_options, mode)
        if isinstance(model, ArrayModel):
            return _array(place, inside, model, seat, config, settings)
        if model is not None:
            if config is not None:
                raise TypeError(NO_CONFIG)
            for word in settings:
                if word in ARRAY_WORDS:
                    raise TypeError(
                        f"open_group() got an unexpected keyword argument {word!r}: {join_url(place.url, inside)} is a "
                        "group, and that is said of arrays; leave it out, or name the array's path"
                    )
            return Group(place, inside, model, seat)
        if mode != "a" or place.read_only:
            raise (yield from _missing(GroupNotFoundError, place, inside, zarr_format, NodeNotFoundError.kind))
    at = StorePath(place, inside)
    if config is not None and not settings.keys() & ARRAY_WORDS:
        raise TypeError(NO_CONFIG)
    if settings.keys() & ARRAY_WORDS:
        return (yield from open_array.steps(at, mode=mode, zarr_format=zarr_format, config=config, **settings))
    return (yield from open_group.steps(at, mode=mode, zarr_format=zarr_format, **settings))


def _array(place: Store, path: str, model: ArrayModel, seat: Seat, config: Any, settings: Mapping[str, Any]) -> Array:
    """The handle of an existing array, as the caller says that it is."""
    if "dimension_separator" in settings or "axis_order" in settings:
        model = _presented(model, seat, settings)
    return Array(place, path, model, _config(model, config, settings), seat)


def _config(model: ArrayModel, config: Any, settings: Mapping[str, Any]) -> Any:
    """What the handle of an existing array does in its own way; `None` for the defaults."""
    if config is None and not settings:
        return None
    order = settings.get("order") or (model.order if model.order != "C" else None)
    return array_config(config, order=order, write_empty_chunks=settings.get("write_empty_chunks"))


def _presented(model: ArrayModel, seat: Seat, settings: Mapping[str, Any]) -> ArrayModel:
    """The model as the caller says it is, for every handle of it in this process."""
    axis_order = settings.get("axis_order")
    if axis_order not in (None, "C", "file"):
        raise ValueError(f"axis_order must be 'C' (the fastest axis last) or 'file', not {axis_order!r}")
    known = formats.presented(
        model, dimension_separator=settings.get("dimension_separator"), file_order=axis_order == "file"
    )
    if known is not model and not known.why_read_only:
        seat.saw(known, seat.stamp)  # what is published later must not lose it
    return known


@verb
def open_array(
    store: Any = None,
    *,
    mode: str | None = None,
    zarr_format: int | None = None,
    path: Any = "",
    storage_options: Mapping[str, Any] | None = None,
    config: Any = None,
    **settings: Any,
) -> Steps[Array]:
    """The array at a place; one request where it has the newest format.

    Args:
        store: where.
        mode: as in `open`.
        zarr_format: the one format to look for; both when `None`.
        path: path of the array inside the store.
        storage_options: options of remote stores.
        config: what the handle does in its own way.
        settings: as in `create`, for modes that make an array; `dimension_separator` and `axis_order` also for one
            that is there, as in `open`.

    Raises:
        ArrayNotFoundError: nothing is there (a `FileNotFoundError` and `ValueError`).
        NodeTypeValidationError: a group is there (a `ValueError`).
    """
    if settings:
        check_words(settings, "open_array")
    place, inside, mode = yield from _place(store, path, mode, storage_options)
    zarr_format = asked_format(store, zarr_format)
    if mode in READS:
        place, inside, model, seat = yield from _found(store, place, inside, zarr_format, storage_options, mode)
        if isinstance(model, ArrayModel):
            return _array(place, inside, model, seat, config, settings)
        if model is not None:
            raise NodeTypeValidationError(
                f"a group is at {join_url(place.url, inside)}, not an array; open it with open_group"
            )
        if mode != "a" or place.read_only or not settings.keys() & ARRAY_WORDS:
            raise (yield from _missing(ArrayNotFoundError, place, inside, zarr_format))
    try:
        return (
            yield from create.steps(
                store=StorePath(place, inside),
                zarr_format=zarr_format,
                config=config,
                **{**settings, "overwrite": mode == "w" or settings.get("overwrite", False)},
            )
        )
    except (ContainsArrayError, ContainsGroupError) as error:
        raise (_exists(error) if mode == "w-" else error) from None


def _exists(error: Exception) -> NodeExistsError:
    return NodeExistsError(
        f"mode 'w-' makes new nodes only: {str(error).removesuffix('; ' + REPLACE)}; "
        "open it with 'r+' or 'a', or replace it with 'w'"
    )


@verb
def open_group(
    store: Any = None,
    *,
    mode: str = "a",
    cache_attrs: Any = None,
    synchronizer: Any = None,
    path: Any = None,
    chunk_store: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    zarr_format: int | None = None,
    meta_array: Any = None,
    attributes: Mapping[str, Any] | None = None,
    use_consolidated: bool | str | None = None,
) -> Steps[Group]:
    """The group at a place.

    Args:
        store: where.
        mode: as in `open`.
        cache_attrs: not used.
        synchronizer: not used: writers of one chunk take turns by themselves.
        path: path of the group inside the store.
        chunk_store: not used.
        storage_options: options of remote stores.
        zarr_format: the one format to look for; both when `None`.
        meta_array: not used.
        attributes: attributes of a group that is made.
        use_consolidated: whether members are looked up in the group's consolidated documents: where there are some
            (`None`), always (`True`, and they must be there), or never (`False`). A text is the name of the document
            that has them in a group of format 2, in place of the usual one.

    Raises:
        GroupNotFoundError: nothing is there (a `FileNotFoundError` and `ValueError`).
        ContainsArrayError: an array is there (a `ValueError`).
        ValueError: consolidated documents were demanded, and there are none.
    """
    place, inside, mode = yield from _place(store, path, None if mode == "a" else mode, storage_options)
    zarr_format = asked_format(store, zarr_format)
    if mode in READS:
        place, inside, model, seat = yield from _found(store, place, inside, zarr_format, storage_options, mode)
        if isinstance(model, GroupModel):
            if isinstance(use_consolidated, str):
                model = yield from _with_copies(place, inside, model, seat, use_consolidated)
            return _group(place, inside, model, seat, use_consolidated)
        if model is not None:
            raise ContainsArrayError(
                f"an array is at {join_url(place.url, inside)}, not a group; open it with open_array"
            )
        if mode != "a" or place.read_only:
            raise (yield from _missing(GroupNotFoundError, place, inside, zarr_format))
    try:
        model, seat = yield from make_group(
            place, inside, zarr_format=zarr_format, attributes=attributes, overwrite=mode == "w"
        )
    except (ContainsArrayError, ContainsGroupError) as error:
        raise (_exists(error) if mode == "w-" else error) from None
    return _group(place, inside, model, seat, use_consolidated)


def _with_copies(place: Store, path: str, model: GroupModel, seat: Seat, name: str) -> Steps[GroupModel]:
    """A group with the copies that stand under another name than the usual one; one more request."""
    key = formats.copies_key(path, model, name)
    if key is None:
        return model
    raw = yield place.get(key)
    if raw is None:
        return plain(model)
    model = formats.with_copies(model, raw, key)
    seat.saw(model, seat.stamp)
    return model


def _group(place: Store, path: str, model: GroupModel, seat: Seat, use_consolidated: bool | str | None) -> Group:
    if use_consolidated is False:
        # The copies are not believed; what is written through this handle still must not leave them stale.
        return Group(place, path, plain(model), seat, catalog_of(path, model, seat, answers=False))
    if use_consolidated and model.consolidated is None:
        raise BaseZarrError(
            f"the group {join_url(place.url, path)} has no consolidated metadata; "
            "write it with consolidate_metadata, or open the group with use_consolidated=None"
        )
    return Group(place, path, model, seat)


@verb
def open_consolidated(*args: Any, use_consolidated: bool | str = True, **settings: Any) -> Steps[Group]:
    """The group at a place, whose members are all in its consolidated documents.

    Args:
        args: as in `open_group`.
        use_consolidated: must be true.
        settings: as in `open_group`.

    Raises:
        ValueError: the group has no consolidated documents.
    """
    if not use_consolidated:
        raise TypeError("open_consolidated needs use_consolidated=True; open_group takes the other values")
    return (yield from open_group.steps(*args, use_consolidated=use_consolidated, **settings))


@verb
def consolidate_metadata(store: Any, path: Any = None, zarr_format: int | None = None) -> Steps[Group]:
    """Repeats the documents of everything below a group in the group's own, so that one request opens all of it.

    Args:
        store: where.
        path: path of the group inside the store.
        zarr_format: the format of the group; whichever is there when `None`.

    Returns:
        the group, which answers from the consolidated documents.

    Raises:
        GroupNotFoundError: no group is there.
    """
    if getattr(getattr(store, "store", store), "supports_consolidated_metadata", True) is False:
        raise TypeError(
            f"{type(store).__name__} does not support consolidated metadata, as it keeps metadata together in its own "
            "way; leave consolidating out"
        )
    place, inside = resolve(store, path, writes=True)
    found, seat = yield from fetch(place, inside, zarr_format)
    if not isinstance(found, GroupModel):
        raise GroupNotFoundError(place.url, inside, _tried(inside, zarr_format))
    check_writable(place, found)
    members = yield from models_below(place, inside, found.zarr_format)
    own = formats.consolidate({}, plain(found))  # whose documents are all that are to be looked at
    model = yield from publish(
        place, inside, seat, lambda now: formats.consolidate(members, plain(now)), own, catalog=None
    )
    return Group(place, inside, model, seat)


@verb
def group(
    store: Any = None,
    *,
    overwrite: bool = False,
    chunk_store: Any = None,
    cache_attrs: Any = None,
    synchronizer: Any = None,
    path: Any = None,
    zarr_format: int | None = None,
    meta_array: Any = None,
    attributes: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Steps[Group]:
    """The group at a place; made when it is missing, replaced with `overwrite`.

    The keywords are those of `open_group` and `create_group`.
    """
    place, inside = resolve(store, path, storage_options=storage_options)
    at = StorePath(place, inside)
    if overwrite:
        made: Group = yield from create_group.steps(at, zarr_format=zarr_format, overwrite=True, attributes=attributes)
        return made
    return (yield from open_group.steps(at, mode="a", zarr_format=zarr_format, attributes=attributes))


@verb
def open_like(a: Any, path: str, *, zarr_format: int | None = None, **settings: Any) -> Steps[Array]:
    """The array at a path; made like another when it is missing.

    Args:
        a: the array to take after.
        path: where: a path, or a path inside `store` where that is given.
        zarr_format: 3 or 2.
        settings: as in `open_array`.
    """
    place = settings.pop("store", None)
    # A new array has the default format, whatever the other has: what is there already may have any.
    wanted = like(a, **settings, zarr_format=default_format(zarr_format))
    if zarr_format is None:
        del wanted["zarr_format"]
    where = (path, "") if place is None else (place, path)
    return (yield from open_array.steps(where[0], path=where[1], **wanted))


@verb
def tree(grp: Any, expand: bool | None = None, level: int | None = None) -> Steps[Any]:
    """A hierarchy drawn with lines, to be printed; see `Group.tree`.

    Args:
        grp: a group, or a place where one is.
        expand: not used.
        level: how many levels to draw; all when `None`.
    """
    found = grp if isinstance(grp, Group) else (yield from open_group.steps(grp, mode="r"))
    return (yield from found.tree.steps(level=level))
