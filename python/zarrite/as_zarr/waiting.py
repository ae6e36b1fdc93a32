"""`zarr.api.asynchronous`: the functions of the top level as coroutines, with nodes whose methods are coroutines."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from zarrite._verb import Verb
from zarrite.as_zarr import top as _top
from zarrite.as_zarr.nodes import AsyncArray, AsyncGroup, awaited

__all__ = [
    "array",
    "consolidate_metadata",
    "copy",
    "copy_all",
    "copy_store",
    "create",
    "create_array",
    "create_group",
    "create_hierarchy",
    "empty",
    "empty_like",
    "from_array",
    "full",
    "full_like",
    "group",
    "load",
    "ones",
    "ones_like",
    "open",
    "open_array",
    "open_consolidated",
    "open_group",
    "open_like",
    "save",
    "save_array",
    "save_group",
    "tree",
    "zeros",
    "zeros_like",
]


def _awaiting(verb: Verb[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def door(*args: Any, **kwargs: Any) -> Any:
        return awaited(await verb.aio(*map(_plain, args), **{name: _plain(value) for name, value in kwargs.items()}))

    door.__name__, door.__qualname__, door.__doc__ = verb.__name__, verb.__name__, verb.__doc__
    door.__signature__ = inspect.signature(verb)  # type: ignore[attr-defined]
    return door


def _refusing(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def door(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)

    door.__name__, door.__qualname__, door.__doc__ = function.__name__, function.__name__, function.__doc__
    return door


def _plain(value: Any) -> Any:
    """A handle with coroutines as the one without."""
    return value._handle if isinstance(value, AsyncArray | AsyncGroup) else value


array = _awaiting(_top.array)
consolidate_metadata = _awaiting(_top.consolidate_metadata)
copy = _refusing(_top.copy)
copy_all = _refusing(_top.copy_all)
copy_store = _refusing(_top.copy_store)
create = _awaiting(_top.create)
create_array = _awaiting(_top.create_array)
create_group = _awaiting(_top.create_group)
empty = _awaiting(_top.empty)
empty_like = _awaiting(_top.empty_like)
from_array = _awaiting(_top.from_array)
full = _awaiting(_top.full)
full_like = _awaiting(_top.full_like)
group = _awaiting(_top.group)
load = _awaiting(_top.load)
ones = _awaiting(_top.ones)
ones_like = _awaiting(_top.ones_like)
open = _awaiting(_top.open)
open_array = _awaiting(_top.open_array)
open_consolidated = _awaiting(_top.open_consolidated)
open_group = _awaiting(_top.open_group)
open_like = _awaiting(_top.open_like)
save = _awaiting(_top.save)
save_array = _awaiting(_top.save_array)
save_group = _awaiting(_top.save_group)
tree = _awaiting(_top.tree)
zeros = _awaiting(_top.zeros)
zeros_like = _awaiting(_top.zeros_like)


async def create_hierarchy(
    *, store: Any, nodes: Mapping[str, Any], overwrite: bool = False
) -> AsyncIterator[tuple[str, Any]]:
    """Many new nodes, written with one batch."""
    for name, node in await _top.create_hierarchy.aio(store=store, nodes=nodes, overwrite=overwrite):
        yield name, awaited(node)
