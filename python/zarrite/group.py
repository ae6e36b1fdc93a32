"""The group: a handle on arrays and groups below a path."""

# ruff: noqa: ARG002 -- keywords of zarr-python that ask for nothing here are taken and not looked at

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zarrite._verb import Flow, Steps, verb
from zarrite.array import Array
from zarrite.config import array_config
from zarrite.errors import (
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
    MetadataValidationError,
)
from zarrite.hierarchy import nodes_at, put_hierarchy
from zarrite.likeness import like
from zarrite.listed import copy_listed, delete_node, listed, move_node
from zarrite.making import ensure_parents, make_array, make_group
from zarrite.members import Members
from zarrite.model.dtype_names import parse_dtype
from zarrite.model.node import DEFAULT_FILL, ArrayModel, GroupModel
from zarrite.node import Model, check_writable, fetch
from zarrite.progress import Progress
from zarrite.stores import join, join_url, normalize_path, place_of, resolve

__all__ = ["Group"]


class Group(Members):
    """A group of arrays and groups.

    Handles are made by `zarrite.open_group`, `zarrite.create_group`, a group's brackets and their like.
    Names of members may be paths: `group["a/b"]` asks for that member alone, with one request.

    Example:
        >>> import zarrite
        >>> group = zarrite.open_group(None, mode="w")
        >>> array = group.create_array("temperature", shape=(4,), dtype="float32")
        >>> inner = group.create_group("more/inner")
        >>> sorted(group.keys())
        ['more', 'temperature']
        >>> group["more/inner"].name
        '/more/inner'
    """

    __slots__ = ()

    @classmethod
    def open(cls, store: Any, zarr_format: int | None = None) -> Group:
        """The group at a place; `zarrite.open_group` can do more."""
        place, path = resolve(store)
        model, seat = Flow(fetch(place, path, zarr_format)).result()
        if not isinstance(model, GroupModel):
            raise GroupNotFoundError(place.url, path)
        return cls(place, path, model, seat)

    @classmethod
    def from_store(
        cls,
        store: Any,
        *,
        attributes: Mapping[str, Any] | None = None,
        zarr_format: int | None = None,
        overwrite: bool = False,
    ) -> Group:
        """A new group at a place; `zarrite.create_group` can do more."""
        place, path = resolve(store, writes=True)
        making = make_group(place, path, zarr_format=zarr_format, attributes=attributes, overwrite=overwrite)
        return cls(place, path, *Flow(making).result())

    # ---------------------------------------------------------------- new members

    @verb
    def create_array(
        self,
        name: str,
        *,
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
        attributes: Mapping[str, Any] | None = None,
        chunk_key_encoding: Any = None,
        dimension_names: Any = None,
        storage_options: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        config: Any = None,
        write_data: bool = True,
        zarr_format: int | None = None,
        **older: Any,
    ) -> Steps[Array]:
        """A new array below this group, with one request (and one for every group in between that is missing).

        Args:
            name: name or path of the array.
            shape: length of every axis, in cells.
            dtype: data type of a cell.
            data: cells to fill it with, instead of `shape` and `dtype`.
            chunks: chunk shape in cells, or "auto".
            shards: shard shape in cells, "auto", or `None` for an object a chunk.
            filters: codecs from cells to cells.
            compressors: codecs from bytes to bytes.
            serializer: codec that makes bytes of cells.
            fill_value: what cells are that were never written.
            order: memory order, "C" or "F".
            attributes: the array's attributes.
            chunk_key_encoding: how stored objects are called.
            dimension_names: a name for every axis.
            storage_options: not used: the group's store is there already.
            overwrite: first delete what is at that path.
            config: what the handle does in its own way; see `Array.with_config`.
            write_data: whether `data` are written, or only described.
            zarr_format: the group's, which is every member's.
            older: keywords of zarr-python 2, as in `zarrite.create_array`.

        Raises:
            ContainsArrayError, ContainsGroupError: there is something (a `ValueError`).
            MetadataValidationError: settings that do not fit together (a `ValueError`).
        """
        if zarr_format not in (None, self._model.zarr_format):
            raise MetadataValidationError(
                f"the group {self.url} has format {self._model.zarr_format}, and so have its members; an array of "
                f"format {zarr_format} is made outside of it"
            )
        if older:
            from zarrite.older import settings_of

            known = {"compressors": compressors, "chunk_key_encoding": chunk_key_encoding, "config": config}
            known.update(settings_of(older, self._model.zarr_format, known))
            compressors, chunk_key_encoding, config = known.values()
        return (
            yield from make_array(
                self._store,
                self._new_path(name),
                shape=shape,
                dtype=dtype,
                data=data,
                overwrite=overwrite,
                write_data=write_data,
                zarr_format=self._model.zarr_format,
                handle_config=config,
                above=self._path,
                catalog=self._catalog,
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

    create = create_array
    create_dataset = create_array

    def _new_path(self, name: str) -> str:
        path = self._member_path(name)
        if path == self._path:
            raise ContainsGroupError(join_url(self._store.url, ""), path)
        return path

    @verb
    def create_group(
        self, name: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> Steps[Group]:
        """A new group below this one.

        Args:
            name: name or path of the group.
            attributes: its attributes.
            overwrite: first delete what is at that path.

        Raises:
            ContainsArrayError, ContainsGroupError: there is something (a `ValueError`).
        """
        path = self._new_path(name)
        model, seat = yield from make_group(
            self._store,
            path,
            zarr_format=self._model.zarr_format,
            attributes=attributes,
            overwrite=overwrite,
            above=self._path,
            catalog=self._catalog,
        )
        return type(self)(self._store, path, model, seat, self._catalog)

    @verb
    def create_hierarchy(
        self, nodes: Mapping[str, Any], *, overwrite: bool = False
    ) -> Steps[Iterator[tuple[str, Array | Group]]]:
        """Many new nodes below this group, written with one batch.

        Args:
            nodes: models or metadata documents by path; groups between them that are not named are made too.
            overwrite: first delete what is at those paths.

        Returns:
            pairs of path relative to this group and handle.
        """
        if any(normalize_path(name) == "" for name in nodes):
            raise ValueError("the hierarchy names its own top; leave the path '' out, this group is there already")
        number = self._model.zarr_format
        made = yield from put_hierarchy(self._store, self._path, nodes, overwrite=overwrite, zarr_format=number)
        if self._catalog is not None:
            yield from self._catalog.added(
                self._store, {join(self._path, name): model for name, model in made.items() if name}
            )
        handles = [(name, self._handle(join(self._path, name), model)) for name, model in made.items() if name]
        return iter(handles)

    # ---------------------------------------------------------------- members that may be there

    @verb
    def require_array(
        self, name: str, *, shape: Any, dtype: Any = None, exact: bool = False, config: Any = None, **settings: Any
    ) -> Steps[Array]:
        """The array of a name; made when it is missing.

        Args:
            name: name or path.
            shape: the shape it must have.
            dtype: the data type it must have, or one that its own can be cast to.
            exact: whether the data types must be equal.
            config: what the handle does in its own way.
            settings: as in `create_array`, used only for a new array.

        Raises:
            TypeError: a group, or an array of another shape or data type, has that name.
        """
        found = yield from self._find(name)
        if found is None:
            return (yield from self.create_array.steps(name, shape=shape, dtype=dtype, config=config, **settings))
        if not isinstance(found, Array):
            raise TypeError(f"{name!r} in {self.url} is a group, not an array")
        wanted = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if found.shape != wanted:
            raise TypeError(f"array {name!r} in {self.url} has shape {found.shape}, not {wanted}")
        if dtype is not None:
            other = parse_dtype(dtype).numpy
            if other != found.dtype and (exact or not np.can_cast(found.dtype, other)):
                raise TypeError(f"array {name!r} in {self.url} has data type {found.dtype}, not {other}")
        return found if config is None else found.with_config(array_config(config))

    require_dataset = require_array

    @verb
    def require_group(self, name: str, *, overwrite: bool = False, **settings: Any) -> Steps[Group]:
        """The group of a name; made when it is missing. `"/"` in the root is this group, made again if it was deleted.

        Raises:
            TypeError: an array has that name.
        """
        if overwrite:
            return (yield from self.create_group.steps(name, overwrite=True, **settings))
        if self._member_path(name) == self._path:
            there, _ = yield from fetch(self._store, self._path, self._model.zarr_format)
            if there is not None:
                return self
            model, seat = yield from make_group(
                self._store, self._path, zarr_format=self._model.zarr_format, **settings
            )
            return type(self)(self._store, self._path, model, seat)
        found = yield from self._find(name)
        if found is None:
            return (yield from self.create_group.steps(name, **settings))
        if not isinstance(found, Group):
            raise TypeError(f"{name!r} in {self.url} is an array, not a group")
        return found

    @verb
    def require_groups(self, *names: str) -> Steps[tuple[Group, ...]]:
        """The groups of several names; those that are missing are made."""
        found: dict[str, Group] = {}
        for name in names:
            found[name] = yield from self.require_group.steps(name)
        return tuple(found[name] for name in names)

    # ---------------------------------------------------------------- whole members

    @verb
    def delete(self, name: str) -> Steps[None]:
        """Deletes a member and everything below it; also written `del group[name]`.

        Raises:
            KeyError: there is no such member.
            ReadOnlyError: the store is open for reading only.
        """
        check_writable(self._store, self._model)
        path = self._new_path(name)
        if not (yield from delete_node(self._store, path)):
            raise (yield from self._absent(name))
        if self._catalog is not None:
            yield from self._catalog.changed(self._store, path, None)

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.create_array(name, data=value, overwrite=True)

    @verb
    def move(self, source: str, dest: str) -> Steps[None]:
        """Gives a member another name or place in this group. Local stores rename a directory and copy nothing.

        Args:
            source: name or path of the member.
            dest: its new name or path, where nothing may be.

        Raises:
            KeyError: there is no such member.
            ContainsArrayError, ContainsGroupError: something is at `dest`.
        """
        check_writable(self._store, self._model)
        start, goal = self._new_path(source), self._new_path(dest)
        if (yield from self._is_prepared(source, start, goal, self, overwrite=False)):
            yield from move_node(self._store, start, goal)
            if self._catalog is not None:
                found = yield from nodes_at(self._store, goal, self._model.zarr_format)
                yield from self._catalog.added(self._store, found, gone=start)

    @verb
    def copy(
        self,
        source: str,
        dest: str,
        *,
        into: Group | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[Array | Group]:
        """Copies a member with everything below it. Stored objects are copied as they are, nothing is decoded.

        Args:
            source: name or path of the member.
            dest: name or path of the copy.
            into: the group that gets it; this group when `None`. It may be in another store.
            overwrite: first delete what is at `dest`.
            progress: told what was copied; see `zarrite.progress`.

        Returns:
            the copy.

        Raises:
            KeyError: there is no such member.
            ContainsArrayError, ContainsGroupError: something is at `dest` and `overwrite` is not set.
        """
        owner = self if into is None else into
        store = owner._store
        check_writable(store, owner._model)
        start, goal = self._new_path(source), owner._new_path(dest)
        if owner._model.zarr_format != self._model.zarr_format:
            raise MetadataValidationError(
                f"{source!r} has format {self._model.zarr_format} and {owner.url} format {owner._model.zarr_format}; "
                "copy with zarrite.from_array or convert, which write the other format"
            )
        if (yield from self._is_prepared(source, start, goal, owner, overwrite=overwrite)):
            yield from copy_listed((yield from listed(self._store, start)), store, goal, progress)
            if owner._catalog is not None:
                yield from owner._catalog.added(store, (yield from nodes_at(store, goal, self._model.zarr_format)))
        return (yield from owner._member.steps(dest))

    def _is_prepared(self, name: str, start: str, goal: str, owner: Group, *, overwrite: bool) -> Steps[bool]:
        """Checks and clears the way for a member's copy; says whether there is anything to do."""
        member: Model | None
        member, _ = yield from fetch(self._store, start, self._model.zarr_format)
        if member is None:
            raise (yield from self._absent(name))
        store = owner._store
        here, there = place_of(self._store, start), place_of(store, goal)
        if here == there:
            return False
        if there.startswith(here + "/") or here.startswith(there + "/"):
            raise ValueError(f"{name!r} cannot go to a place inside or above itself: {goal!r}")
        known, _ = yield from fetch(store, goal, owner._model.zarr_format)
        if known is not None:
            if not overwrite:
                kind = ContainsArrayError if isinstance(known, ArrayModel) else ContainsGroupError
                raise kind(store.url, goal)
            yield from delete_node(store, goal)
        yield from ensure_parents(store, goal, owner._model.zarr_format, owner._path, owner._catalog)
        return True

    # ---------------------------------------------------------------- filled arrays

    @verb
    def empty(self, *, name: str, shape: Any, **settings: Any) -> Steps[Array]:
        """A new array whose cells nobody has set; they read as the fill value."""
        return (yield from self.create_array.steps(name, shape=shape, **_with_dtype(settings)))

    @verb
    def zeros(self, *, name: str, shape: Any, **settings: Any) -> Steps[Array]:
        """A new array of zeros, which takes no space until something is written."""
        return (yield from self.create_array.steps(name, shape=shape, **{**_with_dtype(settings), "fill_value": 0}))

    @verb
    def ones(self, *, name: str, shape: Any, **settings: Any) -> Steps[Array]:
        """A new array of ones, which takes no space until something is written."""
        return (yield from self.create_array.steps(name, shape=shape, **{**_with_dtype(settings), "fill_value": 1}))

    @verb
    def full(self, *, name: str, shape: Any, fill_value: Any, **settings: Any) -> Steps[Array]:
        """A new array of one value, which takes no space until something is written."""
        if "dtype" not in settings:
            settings["dtype"] = np.asarray(fill_value).dtype
        return (yield from self.create_array.steps(name, shape=shape, fill_value=fill_value, **settings))

    @verb
    def empty_like(self, *, name: str, data: Any, **settings: Any) -> Steps[Array]:
        """A new array with the shape, data type, chunks and codecs of another."""
        return (yield from self.create_array.steps(name, **self._like(data, settings)))

    @verb
    def zeros_like(self, *, name: str, data: Any, **settings: Any) -> Steps[Array]:
        """A new array of zeros that is otherwise like another."""
        return (yield from self.create_array.steps(name, **self._like(data, {**settings, "fill_value": 0})))

    @verb
    def ones_like(self, *, name: str, data: Any, **settings: Any) -> Steps[Array]:
        """A new array of ones that is otherwise like another."""
        return (yield from self.create_array.steps(name, **self._like(data, {**settings, "fill_value": 1})))

    @verb
    def full_like(self, *, name: str, data: Any, **settings: Any) -> Steps[Array]:
        """A new array of one value (`fill_value`) that is otherwise like another."""
        return (yield from self.create_array.steps(name, **self._like(data, settings)))

    def _like(self, data: Any, settings: dict[str, Any]) -> dict[str, Any]:
        wanted = like(data, **{**settings, "zarr_format": self._model.zarr_format})
        wanted["zarr_format"] = settings.get("zarr_format")
        return wanted


def _with_dtype(settings: dict[str, Any]) -> dict[str, Any]:
    return {"dtype": "float64", **settings}
