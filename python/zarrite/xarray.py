"""xarray on zarrite, without zarr-python: an engine that opens, and `to_zarr`.

`xr.open_dataset(place, engine="zarrite")`, `xr.open_datatree(...)` and `xr.open_mfdataset(...)` take whatever
`zarrite.open` takes. Every kind of lazy indexing is one native call, and so is each array of `await ds.load_async()`.

What a Zarr hierarchy says of dimensions, fill values and encodings is xarray's own convention, so xarray's own code
decides it: its Zarr store is used with zarrite's arrays and groups in place of zarr-python's.

Example:
    >>> import numpy as np, xarray as xr, zarrite.xarray
    >>> store = zarrite.storage.MemoryStore()
    >>> _ = zarrite.xarray.to_zarr(xr.Dataset({"t": ("x", np.arange(4.0))}), store)
    >>> float(xr.open_dataset(store, engine="zarrite")["t"].mean())
    1.5
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType, SimpleNamespace
from typing import Any

from xarray import Dataset, DataTree, Variable
from xarray.backends import ZarrStore, writers
from xarray.backends.zarr import ZarrArrayWrapper, ZarrBackendEntrypoint

import zarrite
from zarrite import Array, Group

__all__ = ["ZarriteBackendEntrypoint", "to_zarr"]

# Coordinates up to this size are read when a dataset is opened: xarray makes indexes of them in a moment.
COORDINATE_BYTES = 1 << 20
# Reads of coordinates that wait for a network together.
TOGETHER = 32


def _in_words_of_zarrite(function: Callable[..., Any], **names: Any) -> Any:
    """A function of xarray's that finds other things under some of its names."""
    found = FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    found.__kwdefaults__ = function.__kwdefaults__
    return found


class Cells(ZarrArrayWrapper):  # type: ignore[misc]
    """The cells of an array as xarray's lazy indexing asks for them."""

    __slots__ = ()

    def _async_getitem(self, key: Any) -> Any:
        return self._array.read.aio(key)

    def _async_oindex(self, key: Any) -> Any:
        return self._array.get_orthogonal_selection.aio(key)

    def _async_vindex(self, key: Any) -> Any:
        return self._array.get_coordinate_selection.aio(key)


def _dimensions(array: Array, dimension_key: str, _: bool) -> tuple[tuple[str, ...], dict[str, Any]]:
    """An array's dimensions, and its attributes without those that only tell dimensions."""
    names = array.dimension_names
    if array.ndim and (names is None or None in names):
        raise KeyError(
            f"{array.url} names no dimensions, and xarray needs one for every axis; "
            "open it with zarrite.open_array, or write its dimension_names"
        )
    attributes = array.attrs.asdict()
    if array.zarr_format != 3:
        attributes = {
            name: value
            for name, value in attributes.items()
            if name != dimension_key and not name.lower().startswith("_nc")
        }
    return tuple(name or "" for name in names or ()), attributes


class ZarriteStore(ZarrStore):  # type: ignore[misc]
    """xarray's Zarr store over a group of zarrite's."""

    __slots__ = ("_loaded",)

    _loaded: dict[str, Any]
    """Cells of small coordinates, by name, that were read when the store was opened."""

    @classmethod
    def open_group(cls, store: Any, mode: str = "r", group: str | None = None, **settings: Any) -> ZarriteStore:
        """The store of one group."""
        opened, masks, settings = _open(store, mode, group, settings)
        return cls(opened, mode, close_store_on_close=False, use_zarr_fill_value_as_mask=masks, **settings)

    @classmethod
    def open_store(
        cls, store: Any, mode: str = "r", group: str | None = None, **settings: Any
    ) -> dict[str, ZarriteStore]:
        """The stores of a group and of all groups below it, by their paths."""
        opened, masks, settings = _open(store, mode, group, settings)
        found: dict[str, ZarriteStore] = {}
        for path, node, members in _groups(opened, group or "/"):
            # Everything was listed already: each group is given its members, and asks for nothing.
            one = cls(
                node,
                mode,
                close_store_on_close=False,
                use_zarr_fill_value_as_mask=masks,
                **{**settings, "cache_members": False},
            )
            one._members, one._cache_members = members, True
            found[path] = one
        _load_coordinates(found.values())
        return found

    def array_keys(self) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(name for name, _ in self.arrays())

    def arrays(self) -> tuple[tuple[str, Array], ...]:
        """The arrays by name."""
        return tuple((name, node) for name, node in self.members.items() if isinstance(node, Array))

    open_store_variable = _in_words_of_zarrite(
        ZarrStore.open_store_variable, _get_zarr_dims_and_attrs=_dimensions, ZarrArrayWrapper=Cells
    )
    get_dimensions = _in_words_of_zarrite(ZarrStore.get_dimensions, _get_zarr_dims_and_attrs=_dimensions)

    def get_variables(self) -> dict[str, Variable]:
        """Every array as a variable; small coordinates come with their cells, all of them at once."""
        found = {name: self.open_store_variable(name) for name in self.array_keys()}
        if not hasattr(self, "_loaded"):
            _load_coordinates([self])
        for name, cells in self._loaded.items():
            found[name] = Variable(found[name].dims, cells, found[name].attrs, found[name].encoding)
        self._loaded = {}
        return found

    store = _in_words_of_zarrite(ZarrStore.store, attempt_import=lambda _: zarrite)

    def _open_existing_array(self, *, name: str) -> Any:
        array = self.zarr_group.get_array(name)
        return array if self._write_empty is None else array.with_config({"write_empty_chunks": self._write_empty})


def _open(store: Any, mode: str, group: str | None, settings: dict[str, Any]) -> tuple[Group, bool, dict[str, Any]]:
    """The group that is meant, whether its fill values mean "missing", and what is left of the settings."""
    consolidated = settings.pop("consolidated", False)
    masks = settings.pop("use_zarr_fill_value_as_mask", None)
    how = {name: settings.pop(name, None) for name in ("storage_options", "zarr_format")}
    # "a-" is xarray's own: append, and leave what does not grow.
    how["mode"] = "a" if mode == "a-" else mode
    place = os.fspath(store) if isinstance(store, os.PathLike) else store
    if consolidated is False or not getattr(store, "supports_consolidated_metadata", True):
        opened = zarrite.open_group(place, path=group, use_consolidated=False, **how)
    else:
        root = zarrite.open_group(place, use_consolidated=True if consolidated else None, **how)
        within = (group or "").strip("/")
        opened = root.get_group(within) if within else root
    return opened, opened.zarr_format == 2 if masks is None else masks, settings


def _groups(group: Group, path: str) -> list[tuple[str, Group, dict[str, Array | Group]]]:
    """A group and all groups below it, by path, with the members of each."""
    members: dict[str, dict[str, Array | Group]] = {"": {}}
    nodes = {"": group}
    for name, node in sorted(group.members(max_depth=None), key=lambda one: one[0].split("/")):
        parent, _, own = name.rpartition("/")
        members.setdefault(parent, {})[own] = node
        if isinstance(node, Group):
            nodes[name] = node
            members.setdefault(name, {})
    return [(f"{path.rstrip('/')}/{name}" if name else path, node, members[name]) for name, node in nodes.items()]


def _load_coordinates(stores: Iterable[ZarriteStore]) -> None:
    """Reads the small coordinates of groups on a network, all of them at once."""
    wanted: list[tuple[ZarriteStore, str, Array]] = []
    for store in stores:
        store._loaded = {}
        if not store.zarr_group._store.is_local:
            wanted += [
                (store, name, array)
                for name, array in store.arrays()
                if array.nbytes <= COORDINATE_BYTES and array.dimension_names == (name,)
            ]
    if not wanted:
        return
    with ThreadPoolExecutor(TOGETHER) as pool:
        for (store, name, _), cells in zip(wanted, pool.map(lambda one: one[2][...], wanted), strict=True):
            store._loaded[name] = cells


class ZarriteBackendEntrypoint(ZarrBackendEntrypoint):  # type: ignore[misc]
    """`engine="zarrite"` of `xr.open_dataset` and its like; options as of `engine="zarr"`."""

    description = "Open Zarr hierarchies (v3, v2, N5) with zarrite"
    url = "https://github.com/zarrite/zarrite"

    open_dataset = _in_words_of_zarrite(
        ZarrBackendEntrypoint.open_dataset, ZarrStore=ZarriteStore, _normalize_path=lambda place: place
    )
    open_groups_as_dict = _in_words_of_zarrite(
        ZarrBackendEntrypoint.open_groups_as_dict, ZarrStore=ZarriteStore, _normalize_path=lambda place: place
    )
    open_datatree = _in_words_of_zarrite(ZarrBackendEntrypoint.open_datatree, _normalize_path=lambda place: place)


_writable = _in_words_of_zarrite(writers.get_writable_zarr_store, backends=SimpleNamespace(ZarrStore=ZarriteStore))
_write_dataset = _in_words_of_zarrite(writers.to_zarr, get_writable_zarr_store=_writable)


def _write_tree(tree: DataTree, place: Any, **options: Any) -> Any:
    """Writes a tree, and copies its documents once: xarray does that after every node, for the whole tree."""
    roots: list[tuple[ZarriteStore, bool]] = []

    def writable(*given: Any, **settings: Any) -> ZarriteStore:
        root: ZarriteStore = _writable(*given, **settings)
        roots.append((root, root._consolidate_on_close))
        root._consolidate_on_close = False
        return root

    write = _in_words_of_zarrite(writers._datatree_to_zarr, get_writable_zarr_store=writable)
    done = write(tree, place, **options)
    for root, consolidates in roots:
        if consolidates:
            group = root.zarr_group
            zarrite.consolidate_metadata(group.store_path, zarr_format=group.zarr_format)
    return done


def to_zarr(data: Dataset | DataTree, store: Any, **options: Any) -> Any:
    """Writes a dataset or a tree of datasets with zarrite.

    Args:
        data: what to write.
        store: where; whatever `zarrite.open` takes.
        options: those of `Dataset.to_zarr` and `DataTree.to_zarr`: `mode`, `group`, `encoding`, `compute`,
            `consolidated`, `append_dim`, `region`, `safe_chunks`, `align_chunks`, `storage_options`, `zarr_format`,
            `write_empty_chunks`, `chunkmanager_store_kwargs`.

    Returns:
        xarray's store, or a delayed write with `compute=False`.
    """
    place = os.fspath(store) if isinstance(store, os.PathLike) else store
    if isinstance(data, DataTree):
        return _write_tree(data, place, **options)
    return _write_dataset(data, place, **options)
