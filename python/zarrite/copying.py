"""Whole nodes between stores: `zarrite.copy`, `zarrite.move`, `zarrite.delete`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from zarrite._engine import Listing, Store, local_store
from zarrite._verb import Steps, verb
from zarrite.array import Array
from zarrite.catalog import Catalog, catalog_of
from zarrite.errors import (
    BaseZarrError,
    ContainsArrayError,
    ContainsGroupError,
    NodeExistsError,
    NodeNotFoundError,
    ReadOnlyError,
)
from zarrite.group import Group
from zarrite.hierarchy import nodes_at
from zarrite.listed import FILES, copy_listed, delete_listed, listed, renames
from zarrite.making import ensure_parents
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.node import Model, ancestors, complete, fetch, fetch_many, seat_of
from zarrite.progress import Progress, reporter
from zarrite.stores import StorePath, join, join_url, place_of, resolve
from zarrite.stores.paths import unescaped

__all__ = ["NodeShare", "Transfer", "copy", "delete", "move"]


class NodeShare(NamedTuple):
    """What one node has in a store.

    Attributes:
        path: its path below the node that was asked for; empty for that itself.
        objects: stored objects that belong to it and to no node below it, documents included.
        bytes: their bytes.
    """

    path: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True, repr=False)
class Transfer:
    """What a copy, a move or a deletion did, or would do.

    Attributes:
        work: "copy", "move" or "delete".
        source: URL of the node.
        target: URL of where it went; `None` for a deletion.
        nodes: what each node had, by path; empty after a move that only gave a new name.
        objects: stored objects in all.
        bytes: their bytes.
        is_dry: whether nothing was done.
        seconds: time it took.
    """

    work: str
    source: str
    target: str | None
    nodes: tuple[NodeShare, ...]
    objects: int
    bytes: int
    is_dry: bool
    seconds: float

    def __repr__(self) -> str:
        goal = "" if self.target is None else f" to {self.target}"
        dry = ", dry run" if self.is_dry else ""
        return f"<Transfer: {self.work} {self.source}{goal}, {self.objects} objects, {self.bytes} bytes{dry}>"

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return asdict(self) | {"nodes": [node._asdict() for node in self.nodes], "seconds": round(self.seconds, 3)}


@verb
def copy(
    source: Any,
    target: Any,
    *,
    source_path: str | None = None,
    target_path: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress | str | bool | None = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> Steps[Transfer]:
    """Copies an array or a group, with everything below it, to another place in any store.

    Stored objects are copied as they are, many at a time; nothing is decoded. Within a bucket the server copies them,
    between folders the system does. Chunks go first and documents last, the node's own at the very end: whoever looks
    meanwhile, and whatever is stopped, no node is seen without its chunks. To change chunks, codecs or the format use
    `zarrite.convert` or `zarrite.from_array`.

    Args:
        source: a path, URL, store, array or group.
        target: a path, URL, store or group; without `target_path` the copy itself is there afterwards.
        source_path: path of the node inside the source.
        target_path: path of the copy inside the target; groups above it that are missing are made.
        overwrite: first delete the node at the target.
        dry_run: only say what would be copied.
        progress: a callable, or "auto", "bars", "json", "silent"; see `zarrite.progress`.
        source_options: options of a source on a network.
        target_options: options of a target on a network.

    Returns:
        how many objects and bytes there were, by node.

    Raises:
        NodeNotFoundError: there is no node at the source.
        ContainsArrayError, ContainsGroupError: there is one at the target, and `overwrite` is not set.
        NodeExistsError: something that is no node is at the target; it is never deleted.
        ValueError: one place lies inside the other.
        StoreError: an object could not be read or written; what was copied so far is not a node.

    Example:
        >>> import zarrite
        >>> group = zarrite.create_group(None)
        >>> array = group.create_array("a", data=[1, 2, 3])
        >>> store = {}
        >>> zarrite.copy(group, store, source_path="a", target_path="b").objects
        2
        >>> zarrite.open_array(store, path="b")[:].tolist()
        [1, 2, 3]
    """
    started = time.monotonic()
    start = yield from _source(source, source_path, source_options)
    into, goal = _place(target, target_path, writes=not dry_run, options=target_options)
    _refuse_overlap(start, into, goal)
    taken = yield from _taken(into, goal, overwrite=overwrite)
    listing = yield from listed(start.store, start.path)
    if not dry_run:
        steps = _carry(start, listing, into, goal, taken, _watcher(progress))
        yield from complete(target, into, steps)
    return _done("copy", start.url, join_url(into.url, goal), listing, started, is_dry=dry_run)


@verb
def move(
    source: Any,
    target: Any,
    *,
    source_path: str | None = None,
    target_path: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress | str | bool | None = None,
    source_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> Steps[Transfer]:
    """Moves an array or a group, with everything below it, to another place in any store.

    Within a file system, or a store in memory, it gets a new name and nothing is copied. Elsewhere it is copied, and
    deleted when the copy is complete.

    Args:
        source: a path, URL, store, array or group.
        target: a path, URL, store or group.
        source_path: path of the node inside the source.
        target_path: its new path inside the target; groups above it that are missing are made.
        overwrite: first delete the node at the target.
        dry_run: only say what would be moved.
        progress: a callable, or "auto", "bars", "json", "silent"; see `zarrite.progress`.
        source_options: options of a source on a network.
        target_options: options of a target on a network.

    Returns:
        how many objects and bytes there were, by node.

    Raises:
        NodeNotFoundError: there is no node at the source.
        ContainsArrayError, ContainsGroupError: there is one at the target, and `overwrite` is not set.
        NodeExistsError: something that is no node is at the target; it is never deleted.
        ReadOnlyError: the source cannot be changed.
        ValueError: one place lies inside the other.

    Example:
        >>> import zarrite
        >>> group = zarrite.create_group(None)
        >>> array = group.create_array("a", data=[1, 2, 3])
        >>> done = zarrite.move(group, group, source_path="a", target_path="deep/b")
        >>> sorted(group), sorted(group["deep"])
        (['deep'], ['b'])
    """
    started = time.monotonic()
    start = yield from _source(source, source_path, source_options)
    if start.store.read_only and not dry_run:
        raise ReadOnlyError(start.store.url)
    into, goal = _place(target, target_path, writes=not dry_run, options=target_options)
    _refuse_overlap(start, into, goal)
    taken = yield from _taken(into, goal, overwrite=overwrite)
    listing = yield from listed(start.store, start.path)

    def steps() -> Steps[None]:
        names = _names(start, into, goal)
        if names is not None:
            yield from _clear(into, goal, taken)
            yield from ensure_parents(into, goal, start.model.zarr_format, None)
            common, old, new = names
            yield common.move_prefix(old, new)
            yield from _told(into, goal, start.model)
        else:
            carried = _carry(start, listing, into, goal, taken, _watcher(progress))
            yield from carried if start.store.identity == into.identity else complete(target, into, carried)
            yield from delete_listed(listing)
        yield from _told(start.store, start.path, None)
        _remove_folder(start.store, start.path)

    if not dry_run:
        yield from complete(source, start.store, steps())
    return _done("move", start.url, join_url(into.url, goal), listing, started, is_dry=dry_run)


@verb
def delete(
    store: Any,
    path: str | None = None,
    *,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress | str | bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Steps[Transfer]:
    """Deletes an array or a group with everything below it, whatever lies there.

    Documents go first, so that no node is seen whose chunks are not there. On a network up to 1,000 objects go with one
    request.

    Args:
        store: a path, URL, store, array or group.
        path: path of the node inside it.
        dry_run: only say what would be deleted.
        force: delete also what is no node, such as what a copy or a deletion that was stopped left.
        progress: a callable, or "auto", "bars", "json", "silent"; see `zarrite.progress`.
        storage_options: options of a store on a network.

    Returns:
        how many objects and bytes there were, by node.

    Raises:
        NodeNotFoundError: there is no node, and `force` is not set.
        KeyRefusedError: a path that leads out of the store (a `ValueError`).
        ReadOnlyError: the store cannot be changed.

    Example:
        >>> import zarrite
        >>> group = zarrite.create_group(None)
        >>> array = group.create_array("a", data=[1, 2, 3])
        >>> zarrite.delete(group, "a", dry_run=True).nodes[0].objects
        2
        >>> zarrite.delete(group, "a").objects, list(group)
        (2, [])
    """
    started = time.monotonic()
    place, inside = _place(store, path, writes=not dry_run, options=storage_options)
    if not force:
        yield from _node(place, inside)
    elif _file(place, inside) in {"", "/", os.path.expanduser("~")}:
        raise ValueError(f"{place.url} is no place that is ever deleted as a whole")
    listing = yield from listed(place, inside)

    def steps() -> Steps[None]:
        yield from delete_listed(listing, _watcher(progress))
        yield from _told(place, inside, None)
        _remove_folder(place, inside)

    if not dry_run:
        yield from complete(store, place, steps())
    return _done("delete", join_url(place.url, inside), None, listing, started, is_dry=dry_run)


def _watcher(progress: Progress | str | bool | None) -> Progress | None:
    """Who hears of it; nobody is cheaper than one who does not listen."""
    return None if not progress or progress == "silent" else reporter(progress)


class _Start(NamedTuple):
    """The node that something is done with."""

    store: Store
    path: str
    model: Model

    @property
    def url(self) -> str:
        return join_url(self.store.url, self.path)


def _place(
    place: Any, path: str | None, *, writes: bool = False, options: Mapping[str, Any] | None = None
) -> tuple[Store, str]:
    """The store and path of a place, or of a node that is open."""
    if isinstance(place, (Array, Group)):
        place = StorePath(place.store, place.path)
    return resolve(place, path, writes=writes, storage_options=options)


def _source(place: Any, path: str | None, options: Mapping[str, Any] | None) -> Steps[_Start]:
    store, inside = _place(place, path, options=options)
    return (yield from _node(store, inside))


def _node(store: Store, path: str) -> Steps[_Start]:
    model, _ = yield from fetch(store, path)
    if model is None:
        raise NodeNotFoundError(store.url, path)
    return _Start(store, path, model)


def _refuse_overlap(start: _Start, into: Store, goal: str) -> None:
    here, there = place_of(start.store, start.path), place_of(into, goal)
    if (here + "/").startswith(there + "/") or (there + "/").startswith(here + "/"):
        raise ValueError(
            f"{start.url} cannot go to {join_url(into.url, goal)}, which is the same place, or inside or above it"
        )


def _taken(into: Store, goal: str, *, overwrite: bool) -> Steps[bool]:
    """Whether there is a node to be replaced; refuses whatever else is there. One request where nothing is."""
    keys, prefixes = yield into.list_dir(goal)
    if not keys and not prefixes:
        return False
    known: Model | None = None
    damaged = False
    try:
        known, _ = yield from fetch(into, goal)
    except BaseZarrError:
        damaged = True
    if known is None and not damaged:
        raise NodeExistsError(
            f"{join_url(into.url, goal)} holds things that are no node, perhaps what a copy that was stopped left; "
            "choose another place, or delete them with zarrite.delete(..., force=True)"
        )
    if not overwrite:
        kind = ContainsArrayError if isinstance(known, ArrayModel) else ContainsGroupError
        raise kind(into.url, goal)
    return True


def _clear(into: Store, goal: str, taken: bool) -> Steps[None]:
    if taken:
        yield from delete_listed((yield from listed(into, goal)))


def _carry(start: _Start, listing: Listing, into: Store, goal: str, taken: bool, tell: Progress | None) -> Steps[None]:
    """Copies what was listed to a place that is made free for it."""
    yield from _clear(into, goal, taken)
    yield from ensure_parents(into, goal, start.model.zarr_format, None)
    yield from copy_listed(listing, into, goal, tell)
    yield from _told(into, goal, start.model)


def _told(store: Store, path: str, model: Model | None) -> Steps[None]:
    """Keeps the copies right that groups above have of a node's documents: it came (its model) or went (`None`)."""
    catalog = yield from _catalog_above(store, path)
    if catalog is None:
        return
    if model is None:
        yield from catalog.changed(store, path, None)
    else:
        yield from catalog.added(store, (yield from nodes_at(store, path, model.zarr_format)))


def _catalog_above(store: Store, path: str) -> Steps[Catalog | None]:
    above = ancestors(path)
    models = yield from fetch_many(store, above)
    for parent, model in zip(above, models, strict=True):
        if isinstance(model, GroupModel) and model.consolidated is not None:
            return catalog_of(parent, model, seat_of(store, parent), answers=False)
    return None


def _names(start: _Start, into: Store, goal: str) -> tuple[Store, str, str] | None:
    """A store in which the move is a new name, and both names; `None` where there is no such store."""
    store, path = start.store, start.path
    if path and goal and store.identity == into.identity and renames(store):
        return store, path, goal
    old, new = _file(store, path), _file(into, goal)
    if old is None or new is None or os.sep != "/" or os.path.islink(old):
        return None
    above = new
    while not os.path.exists(above):
        above = os.path.dirname(above)
    if os.stat(above).st_dev != os.stat(old).st_dev:
        return None
    # One store that holds both: files are renamed by their paths from the top.
    return local_store("/"), old.strip("/"), new.strip("/")


def _file(store: Store, path: str) -> str | None:
    """The folder of a node in a store of files; `None` in any other store."""
    if not store.url.startswith(FILES) or not renames(store):
        return None
    return join(unescaped(store.url.removeprefix(FILES)), path)


def _remove_folder(store: Store, path: str) -> None:
    """Takes away the empty folder that a store of files was."""
    folder = _file(store, path)
    if folder is not None and not path:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _done(work: str, source: str, target: str | None, listing: Listing, started: float, *, is_dry: bool) -> Transfer:
    return Transfer(
        work,
        source,
        target,
        tuple(NodeShare(*node) for node in listing.nodes()),
        listing.objects,
        listing.bytes,
        is_dry,
        time.monotonic() - started,
    )
