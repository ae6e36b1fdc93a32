"""Saving NumPy arrays and loading them again: `zarrite.save`, `zarrite.load`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zarrite._verb import Steps, verb
from zarrite.array import Array
from zarrite.create import create_array, create_group
from zarrite.group import Group
from zarrite.node import complete
from zarrite.open import open as open_node
from zarrite.progress import Progress, track
from zarrite.stores import StorePath, resolve

__all__ = ["load", "save", "save_array", "save_group"]


@verb
def save(
    store: Any,
    *args: Any,
    zarr_format: int | None = None,
    path: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    **named: Any,
) -> Steps[None]:
    """Saves one array as an array, or several as the members of a group; what was there is replaced.

    Args:
        store: where.
        args: arrays; in a group they are called "arr_0", "arr_1" ...
        zarr_format: 3 or 2.
        path: path inside the store.
        storage_options: options of remote stores.
        named: arrays by the name they get in the group.

    Raises:
        ValueError: no array.

    Example:
        >>> import numpy as np, zarrite
        >>> store = {}
        >>> zarrite.save(store, heights=np.arange(3), names=np.array(["a", "b"]))
        >>> zarrite.load(store)["heights"]
        array([0, 1, 2])
    """
    if not args and not named:
        raise ValueError("there is no array to save")
    if len(args) == 1 and not named:
        yield from save_array.steps(store, args[0], zarr_format=zarr_format, path=path, storage_options=storage_options)
    else:
        yield from save_group.steps(
            store, *args, zarr_format=zarr_format, path=path, storage_options=storage_options, **named
        )


@verb
def save_array(
    store: Any,
    arr: Any,
    *,
    zarr_format: int | None = None,
    path: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Steps[None]:
    """Saves an array; what was there is replaced.

    Args:
        store: where.
        arr: the array, or something NumPy makes one of.
        zarr_format: 3 or 2.
        path: path inside the store.
        storage_options: options of remote stores.
        settings: as in `create_array`; any `mode` of zarr-python's, what was there is replaced.
    """
    settings.pop("mode", None)
    data = arr if hasattr(arr, "shape") and hasattr(arr, "dtype") else np.asarray(arr)
    place, inside = resolve(store, path, writes=True, mode="w", storage_options=storage_options)
    at = StorePath(place, inside)
    saved = create_array.steps(at, data=data, zarr_format=zarr_format, overwrite=True, **settings)
    yield from complete(store, place, saved)


@verb
def save_group(
    store: Any,
    *args: Any,
    zarr_format: int | None = None,
    path: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **named: Any,
) -> Steps[None]:
    """Saves arrays as the members of a group; what was there is replaced.

    Args:
        store: where.
        args: arrays, called "arr_0", "arr_1" ...
        zarr_format: 3 or 2.
        path: path inside the store.
        storage_options: options of remote stores.
        progress: told what was saved; see `zarrite.progress`.
        named: arrays by name.

    Raises:
        ValueError: no array, or one name for two.
    """
    if not args and not named:
        raise ValueError("there is no array to save")
    arrays = {f"arr_{place}": value for place, value in enumerate(args)}
    twice = arrays.keys() & named.keys()
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} names a positional array and a keyword; rename the keyword")
    arrays.update(named)
    ready = {
        name: value if hasattr(value, "shape") and hasattr(value, "dtype") else np.asarray(value)
        for name, value in arrays.items()
    }
    place, inside = resolve(store, path, writes=True, mode="w", storage_options=storage_options)

    def steps() -> Steps[None]:
        group = yield from create_group.steps(place, path=inside, zarr_format=zarr_format, overwrite=True)
        sizes = [
            (name, int(np.prod(value.shape, dtype=object)) * value.dtype.itemsize) for name, value in ready.items()
        ]
        for name in track("save", sizes, progress):
            yield from group.create_array.steps(name, data=ready[name])

    yield from complete(store, place, steps())


@verb
def load(store: Any, path: Any = None, zarr_format: int | None = None) -> Steps[Any]:
    """All cells of an array; or of every array in a group, as a dictionary by name (groups inside it likewise).

    Args:
        store: where.
        path: path inside the store.
        zarr_format: the one format to look for.

    Raises:
        GroupNotFoundError: nothing is there.
    """
    node = yield from open_node.steps(store, mode="r", path=path, zarr_format=zarr_format)
    return (yield from _loaded(node))


def _loaded(node: Array | Group) -> Steps[Any]:
    if isinstance(node, Array):
        return (yield from node.read.steps())
    members = yield from node.members.steps()
    loaded = {}
    for name, member in members:
        loaded[name] = yield from _loaded(member)
    return loaded
