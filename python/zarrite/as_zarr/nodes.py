"""`AsyncArray` and `AsyncGroup`: handles whose methods are coroutines.

Every waiting method of `Array` and `Group` has an awaiting door of its own (`array.read.aio`). These classes give those
doors zarr-python's names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from zarrite._verb import Flow
from zarrite.array import Array
from zarrite.as_zarr.metadata import model_of
from zarrite.group import Group
from zarrite.making import put_node
from zarrite.stores import resolve
from zarrite.stores.protocol import shown

__all__ = ["AsyncArray", "AsyncGroup", "AsyncOIndex", "AsyncVIndex", "awaited"]


def awaited(node: Any) -> Any:
    """A handle as its class with coroutines."""
    if isinstance(node, Array):
        return AsyncArray(node)
    return AsyncGroup(node) if isinstance(node, Group) else node


class _Node:
    __slots__ = ("_handle",)
    _handle: Any

    def __class_getitem__(cls, of: Any) -> type[Self]:
        return cls

    def __getattr__(self, name: str) -> Any:
        if name == "_handle":
            raise AttributeError(name)
        return getattr(self._handle, name)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._handle == getattr(other, "_handle", None)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._handle,)

    async def update_attributes(self, new_attributes: Mapping[str, Any]) -> Self:
        """Adds and replaces attributes with one write; gives the node."""
        await self._handle.update_attributes.aio(new_attributes)
        return self

    async def info_complete(self) -> Any:
        """What the node is, with what is stored of it."""
        return await self._handle.info_complete.aio()


class _Index:
    __slots__ = ("_array",)

    def __init__(self, array: AsyncArray) -> None:
        self._array = array


class AsyncOIndex(_Index):
    """Orthogonal selections, awaited."""

    async def getitem(self, selection: Any) -> Any:
        """Cells by an index array for each axis."""
        fields, chosen = self._array._handle._split(selection)
        return await self._array.get_orthogonal_selection(chosen, fields=fields)


class AsyncVIndex(_Index):
    """Selections of single cells, awaited."""

    async def getitem(self, selection: Any) -> Any:
        """Cells by index arrays of all axes together, or by a mask."""
        fields, chosen = self._array._handle._split(selection)
        if self._array._handle._is_mask(chosen):
            return await self._array.get_mask_selection(chosen, fields=fields)
        return await self._array.get_coordinate_selection(chosen, fields=fields)


class AsyncArray(_Node):
    """An array whose methods are coroutines.

    Args:
        metadata: an `Array`, or what describes one.
        store_path: where it is, for what only describes one.
        config: what the handle does in its own way.

    Example:
        >>> import asyncio, zarrite
        >>> array = zarrite.array([1, 2, 3]).async_array
        >>> asyncio.run(array.getitem(slice(1, None)))
        array([2, 3])
    """

    __slots__ = ()

    def __init__(self, metadata: Any, store_path: Any = None, config: Any = None) -> None:
        if isinstance(metadata, Array):
            self._handle = metadata if config is None else metadata.with_config(config)
            return
        if isinstance(metadata, Mapping):
            metadata = model_of(metadata)
        store, path = resolve(store_path)
        array = Array(store, path, metadata)
        self._handle = array if config is None else array.with_config(config)

    @classmethod
    async def open(cls, store: Any, zarr_format: int | None = 3) -> Self:
        """The array at a place."""
        from zarrite.open import open_array

        return cls(await open_array.aio(store, mode="r+" if _writable(store) else "r", zarr_format=zarr_format))

    @classmethod
    def from_dict(cls, store_path: Any, data: Mapping[str, Any]) -> Self:
        """The array that a document describes."""
        return cls(data, store_path)

    async def _save_metadata(self, metadata: Any, ensure_parents: bool = False) -> None:
        # Called by libraries that describe arrays first and make them then.
        handle = self._handle
        model = model_of(metadata) if isinstance(metadata, Mapping) else metadata
        await Flow(put_node(handle._store, handle.path, model, overwrite=True))

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes, as a dictionary."""
        return dict(self._handle.attrs)

    async def getitem(self, selection: Any, *, prototype: Any = None) -> Any:
        """The cells that `array[selection]` gives."""
        return await self._handle.read.aio(selection)

    async def setitem(self, selection: Any, value: Any, prototype: Any = None) -> None:
        """Writes the cells that `array[selection] = value` does."""
        await self._handle.write.aio(selection, value)

    @property
    def oindex(self) -> AsyncOIndex:
        """Orthogonal selections."""
        return AsyncOIndex(self)

    @property
    def vindex(self) -> AsyncVIndex:
        """Selections of single cells."""
        return AsyncVIndex(self)

    async def get_orthogonal_selection(self, selection: Any, **settings: Any) -> Any:
        """Cells by an index array for each axis."""
        return await self._handle.get_orthogonal_selection.aio(selection, **settings)

    async def get_coordinate_selection(self, selection: Any, **settings: Any) -> Any:
        """Cells by index arrays of all axes together."""
        return await self._handle.get_coordinate_selection.aio(selection, **settings)

    async def get_mask_selection(self, mask: Any, **settings: Any) -> Any:
        """The cells where a mask is true."""
        return await self._handle.get_mask_selection.aio(mask, **settings)

    async def resize(self, new_shape: Any, delete_outside_chunks: bool = True) -> None:
        """Changes the shape."""
        await self._handle.resize.aio(new_shape)

    async def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Adds cells at the end of an axis; gives the new shape."""
        shape: tuple[int, ...] = await self._handle.append.aio(data, axis)
        return shape

    async def nchunks_initialized(self) -> int:
        """How many chunks were written."""
        from zarrite._verb import Call

        return int(await _waited(Call(lambda: self._handle.nchunks_initialized)))

    async def nbytes_stored(self) -> int:
        """How many bytes the array takes in the store."""
        return int(await self._handle.nbytes_stored.aio())

    def with_config(self, config: Any) -> Self:
        """Another handle of the same array that does some things in another way."""
        return type(self)(self._handle.with_config(config))

    def __repr__(self) -> str:
        return f"<AsyncArray {self._handle.store_path} shape={self._handle.shape} dtype={self._handle.dtype}>"


async def _waited(wait: Any) -> Any:
    return await wait


def _writable(store: Any) -> bool:
    return not getattr(store, "read_only", False)


class AsyncGroup(_Node):
    """A group whose methods are coroutines.

    Args:
        metadata: a `Group`, or what describes one.
        store_path: where it is, for what only describes one.
    """

    __slots__ = ()

    def __init__(self, metadata: Any, store_path: Any = None) -> None:
        if isinstance(metadata, Group):
            self._handle = metadata
        else:
            self._handle = Group(*resolve(store_path), metadata)

    @classmethod
    async def open(cls, store: Any, zarr_format: int | None = 3, use_consolidated: bool | str | None = None) -> Self:
        """The group at a place."""
        from zarrite.open import open_group

        mode = "r+" if _writable(store) else "r"
        return cls(await open_group.aio(store, mode=mode, zarr_format=zarr_format, use_consolidated=use_consolidated))

    @classmethod
    async def from_store(
        cls, store: Any, *, attributes: Any = None, overwrite: bool = False, zarr_format: int = 3
    ) -> Self:
        """A new group at a place."""
        from zarrite.create import create_group

        made = await create_group.aio(store, attributes=attributes, overwrite=overwrite, zarr_format=zarr_format)
        return cls(made)

    @classmethod
    def from_dict(cls, store_path: Any, data: Mapping[str, Any]) -> Self:
        """The group that a document describes."""
        return cls(model_of(data), store_path)

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes, as a dictionary."""
        return dict(self._handle.attrs)

    @property
    def store(self) -> Any:
        """The store the group is in."""
        return shown(self._handle._store)

    async def getitem(self, key: str) -> Any:
        """The member of a name.

        Raises:
            KeyError: there is none.
        """
        return awaited(await self._handle._member.aio(key))

    async def get(self, key: str, default: Any = None) -> Any:
        """A member, or `default` where there is none."""
        return awaited(await self._handle.get.aio(key, default))

    async def get_array(self, path: str) -> AsyncArray:
        """A member that is an array."""
        return AsyncArray(await self._handle.get_array.aio(path))

    async def get_group(self, path: str) -> AsyncGroup:
        """A member that is a group."""
        return AsyncGroup(await self._handle.get_group.aio(path))

    async def setitem(self, key: str, value: Any) -> None:
        """Keeps cells as an array of a name."""
        await self._handle.create_array.aio(key, data=value, overwrite=True)

    async def delitem(self, key: str) -> None:
        """Deletes a member."""
        await self._handle.delete.aio(key)

    async def contains(self, member: str) -> bool:
        """Whether there is a member of a name."""
        return bool(await self._handle.contains.aio(member))

    async def members(
        self, max_depth: int | None = 0, *, use_consolidated_for_children: bool = True
    ) -> AsyncIterator[tuple[str, Any]]:
        """Names and handles of the members."""
        for name, node in await self._handle.members.aio(max_depth):
            yield name, awaited(node)

    async def nmembers(self, max_depth: int | None = 0) -> int:
        """How many members there are."""
        return int(await self._handle.nmembers.aio(max_depth))

    async def keys(self) -> AsyncIterator[str]:
        """Names of the members."""
        for name in await self._handle.keys.aio():
            yield name

    async def arrays(self) -> AsyncIterator[tuple[str, AsyncArray]]:
        """Names and handles of the arrays directly below."""
        for name, node in await self._handle.arrays.aio():
            yield name, AsyncArray(node)

    async def groups(self) -> AsyncIterator[tuple[str, AsyncGroup]]:
        """Names and handles of the groups directly below."""
        for name, node in await self._handle.groups.aio():
            yield name, AsyncGroup(node)

    async def array_keys(self) -> AsyncIterator[str]:
        """Names of the arrays directly below."""
        for name in await self._handle.array_keys.aio():
            yield name

    async def group_keys(self) -> AsyncIterator[str]:
        """Names of the groups directly below."""
        for name in await self._handle.group_keys.aio():
            yield name

    async def array_values(self) -> AsyncIterator[AsyncArray]:
        """Handles of the arrays directly below."""
        for node in await self._handle.array_values.aio():
            yield AsyncArray(node)

    async def group_values(self) -> AsyncIterator[AsyncGroup]:
        """Handles of the groups directly below."""
        for node in await self._handle.group_values.aio():
            yield AsyncGroup(node)

    async def create_group(self, name: str, *, overwrite: bool = False, attributes: Any = None) -> AsyncGroup:
        """A new group below this one."""
        return AsyncGroup(await self._handle.create_group.aio(name, overwrite=overwrite, attributes=attributes))

    async def create_array(self, name: str, **settings: Any) -> AsyncArray:
        """A new array below this group."""
        return AsyncArray(await self._handle.create_array.aio(name, **settings))

    create = create_array

    async def create_hierarchy(
        self, nodes: Mapping[str, Any], *, overwrite: bool = False
    ) -> AsyncIterator[tuple[str, Any]]:
        """Many new nodes below this group."""
        for name, node in await self._handle.create_hierarchy.aio(nodes, overwrite=overwrite):
            yield name, awaited(node)

    async def require_group(self, name: str, overwrite: bool = False) -> AsyncGroup:
        """The group of a name; made when it is missing."""
        return AsyncGroup(await self._handle.require_group.aio(name, overwrite=overwrite))

    async def require_groups(self, *names: str) -> tuple[AsyncGroup, ...]:
        """The groups of several names; those that are missing are made."""
        return tuple(AsyncGroup(node) for node in await self._handle.require_groups.aio(*names))

    async def require_array(self, name: str, *, shape: Any, dtype: Any = None, exact: bool = False, **more: Any) -> Any:
        """The array of a name; made when it is missing."""
        return AsyncArray(await self._handle.require_array.aio(name, shape=shape, dtype=dtype, exact=exact, **more))

    async def empty(self, *, name: str, shape: Any, **settings: Any) -> AsyncArray:
        """A new array whose cells nobody has set."""
        return AsyncArray(await self._handle.empty.aio(name=name, shape=shape, **settings))

    async def zeros(self, *, name: str, shape: Any, **settings: Any) -> AsyncArray:
        """A new array of zeros."""
        return AsyncArray(await self._handle.zeros.aio(name=name, shape=shape, **settings))

    async def ones(self, *, name: str, shape: Any, **settings: Any) -> AsyncArray:
        """A new array of ones."""
        return AsyncArray(await self._handle.ones.aio(name=name, shape=shape, **settings))

    async def full(self, *, name: str, shape: Any, fill_value: Any, **settings: Any) -> AsyncArray:
        """A new array of one value."""
        return AsyncArray(await self._handle.full.aio(name=name, shape=shape, fill_value=fill_value, **settings))

    async def empty_like(self, *, name: str, data: Any, **settings: Any) -> AsyncArray:
        """A new array like another."""
        return AsyncArray(await self._handle.empty_like.aio(name=name, data=data, **settings))

    async def zeros_like(self, *, name: str, data: Any, **settings: Any) -> AsyncArray:
        """A new array of zeros that is otherwise like another."""
        return AsyncArray(await self._handle.zeros_like.aio(name=name, data=data, **settings))

    async def ones_like(self, *, name: str, data: Any, **settings: Any) -> AsyncArray:
        """A new array of ones that is otherwise like another."""
        return AsyncArray(await self._handle.ones_like.aio(name=name, data=data, **settings))

    async def full_like(self, *, name: str, data: Any, **settings: Any) -> AsyncArray:
        """A new array of one value that is otherwise like another."""
        return AsyncArray(await self._handle.full_like.aio(name=name, data=data, **settings))

    async def move(self, source: str, dest: str) -> None:
        """Gives a member another name or place."""
        await self._handle.move.aio(source, dest)

    async def tree(self, **settings: Any) -> Any:
        """The hierarchy drawn with lines."""
        return await self._handle.tree.aio(**settings)

    def __repr__(self) -> str:
        return f"<AsyncGroup {self._handle.store_path}>"
