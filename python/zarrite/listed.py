"""Stored objects of whole nodes, as they are: listed once, then copied, moved or deleted in an order that is safe."""

from __future__ import annotations

import time
from collections.abc import Callable

from zarrite import formats
from zarrite._engine import Listing, Pending, Store
from zarrite._verb import Steps
from zarrite.progress import Progress, Report

__all__ = ["FILES", "copy_listed", "delete_listed", "delete_node", "listed", "move_node", "renames"]

FILES, MEMORY = "file://", "memory://"
PAUSE_S = 0.5
"""How often whoever watches hears of work on many objects, in seconds."""
FIRST = 1000
"""Objects of the first step of watched work; a server deletes so many at once."""


def listed(store: Store, path: str) -> Steps[Listing]:
    """The objects of a node and of everything below it, in the order in which they are copied: with one listing."""
    listing: Listing = yield store.listing(path, formats.PUBLISHED)
    return listing


def copy_listed(listing: Listing, into: Store, target: str, progress: Progress | None) -> Steps[None]:
    """Copies objects as they are. No moment shows a node whose chunks are not there."""
    yield from _watched("copy", listing, lambda start, stop: listing.copy(into, target, start, stop), progress)


def delete_listed(listing: Listing, progress: Progress | None = None) -> Steps[None]:
    """Deletes objects, those that describe nodes first, and what no listing shows."""
    yield from _watched("delete", listing, listing.delete, progress)
    yield listing.sweep()


def delete_node(store: Store, path: str) -> Steps[int]:
    """Deletes whatever is at a path and below it, documents first, and says how many objects that were."""
    listing = yield from listed(store, path)
    yield from delete_listed(listing)
    return listing.objects


def renames(store: Store) -> bool:
    """Whether a store gives all below a prefix another name at once: a folder or memory, with nothing around it."""
    return store.url.startswith((FILES, MEMORY)) and "|" not in store.url


def move_node(store: Store, source: str, target: str, progress: Progress | None = None) -> Steps[None]:
    """Moves a node within a store: by a new name where that is all it takes, else by a copy and a deletion."""
    if renames(store):
        yield store.move_prefix(source, target)
        return
    listing = yield from listed(store, source)
    yield from copy_listed(listing, store, target, progress)
    yield from delete_listed(listing)


def _watched(
    work: str, listing: Listing, do: Callable[[int, int], Pending[int]], progress: Progress | None
) -> Steps[None]:
    """Does something with all objects; a step at a time where somebody watches."""
    total = listing.objects
    if progress is None:
        yield do(0, total)
        return
    start = done_bytes = 0
    count = FIRST
    progress(Report(work, "", 0, listing.bytes, 0, total, finished=not total))
    while start < total:
        stop = min(total, start + count)
        began = time.monotonic()
        done_bytes += yield do(start, stop)
        took = time.monotonic() - began
        count = count * 2 if took < PAUSE_S / 2 else max(1, count // 2) if took > 2 * PAUSE_S else count
        start = stop
        progress(Report(work, "", done_bytes, listing.bytes, start, total, finished=start == total))
