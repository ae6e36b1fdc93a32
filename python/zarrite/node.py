"""One node of a hierarchy: reading its documents, publishing new ones, and what handles of it share in this process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from zarrite import formats
from zarrite._engine import Store, close
from zarrite._verb import Steps, Turn
from zarrite.changing import change
from zarrite.errors import MetadataValidationError, ReadOnlyError, ZarriteError
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.stores import is_ours_to_close, join, place_of
from zarrite.stores.url import bound_format

__all__ = ["Model", "Seat", "asked_format", "check_writable", "complete", "fetch", "fetch_many", "publish", "seat_of"]

Model = ArrayModel | GroupModel
M = TypeVar("M", ArrayModel, GroupModel)


class Seat:
    """What all handles of one node in this process share: a lock, and the newest model one of them knows.

    Two handles that change one node would else publish documents that each lack the other's change.

    Attributes:
        lock: held while a document of the node is changed.
        model: the newest model that was read or published here; `None` before the first.
        stamp: counts publications, so that a reading that began before one does not pass for newer.
    """

    __slots__ = ("__weakref__", "lock", "model", "stamp")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.model: Model | None = None
        self.stamp = 0

    def saw(self, model: Model, stamp: int) -> None:
        """Notes a model that was read from the store; `stamp` is the seat's stamp before the reading."""
        if self.stamp == stamp:
            self.model = model

    def published(self, model: Model) -> None:
        """Notes a model that was written to the store."""
        self.stamp += 1
        self.model = model


_seats: weakref.WeakValueDictionary[str, Seat] = weakref.WeakValueDictionary()
_seats_lock = threading.Lock()


def _after_fork() -> None:
    """Frees every lock in a forked child: the threads that held them stayed in the parent."""
    global _seats_lock  # noqa: PLW0603 -- the lock itself may be held
    _seats_lock = threading.Lock()
    for seat in list(_seats.values()):
        seat.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def asked_format(place: Any, zarr_format: int | None) -> int | None:
    """The one format that is meant: the caller's, or the one that a URL names.

    Raises:
        ValueError: they differ.
    """
    named = bound_format(place)
    return zarr_format if named is None else formats.agreed(named, zarr_format)


def seat_of(store: Store, path: str) -> Seat:
    """The seat of a node; made when no handle of the node is alive."""
    key = place_of(store, path)
    seat = _seats.get(key)
    if seat is None:
        with _seats_lock:
            seat = _seats.get(key)
            if seat is None:
                seat = _seats[key] = Seat()
    return seat


class Told(Protocol):
    """What must learn of every node that was published."""

    def changed(self, store: Store, path: str, model: Model | None = None) -> Steps[None]:
        """Notes that a node was published (its model) or deleted (`None`)."""


def fetch(
    store: Store, path: str, zarr_format: int | None = None, *, copies: bool = True
) -> Steps[tuple[Model | None, Seat]]:
    """Reads the node at a path: one request where the newest format is found, more where it is not.

    Args:
        store: where the node is.
        path: its path.
        zarr_format: the one format to look at; left out, all of them.
        copies: whether what a group repeats of its members is wanted. Who cannot change it, and found the group through
            another, asks less without.

    Returns:
        the model, or `None` where there is no node; and the node's seat.
    """
    seat = seat_of(store, path)
    stamp = seat.stamp
    keys = formats.first_keys(path, zarr_format, copies=copies)
    if len(keys) == 1:
        documents = {keys[0]: (yield store.get(keys[0]))}
    else:
        documents = dict(zip(keys, (yield store.get_many(keys)), strict=True))
    refused: ZarriteError | None = None
    try:
        model = formats.parse(path, documents, zarr_format)
    except ZarriteError as error:
        if not isinstance(error, MetadataValidationError) or not any(map(formats.is_page, documents.values())):
            raise _placed(error, store) from error.__cause__
        # Some servers answer every path, with a page for people or with nothing; an older format may still be there.
        model, refused = None, error
    for keys_of in (formats.next_keys, formats.last_keys):
        more = () if model is not None else keys_of(path, zarr_format, copies=copies)
        if more:
            answers = dict(zip(more, (yield store.get_many(more)), strict=True))
            documents = {key: None if refused and formats.is_page(raw) else raw for key, raw in answers.items()}
            try:
                model = formats.parse(path, documents, zarr_format)
            except ZarriteError as error:
                raise _placed(error, store) from error.__cause__
    if model is None and refused is not None:
        raise _placed(refused, store)
    if model is not None and (copies or isinstance(model, ArrayModel)):
        seat.saw(model, stamp)
    return model, seat


def _placed(error: ZarriteError, store: Store) -> ZarriteError:
    """The same error with the store in front: a document names its node, and not where that is."""
    error.args = (f"{store.url}: {error}",)
    return error


def fetch_many(
    store: Store, paths: list[str], zarr_format: int | None = None, *, copies: bool = True
) -> Steps[list[Model | None]]:
    """Reads the nodes at many paths, with one call to the engine for all of them (another for each older format)."""
    found: list[Model | None] = [None] * len(paths)
    missing = list(range(len(paths)))
    for keys_of in (formats.first_keys, formats.next_keys, formats.last_keys):
        wanted = [keys_of(paths[place], zarr_format, copies=copies) for place in missing]
        flat = [key for keys in wanted for key in keys]
        if not flat:
            break
        documents = dict(zip(flat, (yield store.get_many(flat)), strict=True))
        left = []
        for place, keys in zip(missing, wanted, strict=True):
            model = formats.parse(paths[place], {key: documents[key] for key in keys}, zarr_format) if keys else None
            found[place] = model
            if model is None:
                left.append(place)
        missing = left
    return found


def publish(store: Store, path: str, seat: Seat, make: Callable[[M], M], own: M, catalog: Told | None) -> Steps[M]:
    """Changes a node's documents as they are now: one read and one put, again where another process was faster.

    Args:
        store: where the node is.
        path: its path.
        seat: its seat.
        make: makes the new model from the one in the store; called with the seat's lock held.
        own: the model of the handle that asks.
        catalog: the consolidated documents the handle was opened from, which must not grow stale.

    Raises:
        ReadOnlyError: the store is open for reading only.
        ArrayNotFoundError, GroupNotFoundError: the node was deleted.
    """
    check_writable(store, own)
    yield Turn(seat.lock)
    try:
        known = seat.model
        # Another handle may know of more documents that this node has.
        base = known if known is not None and type(known) is type(own) else own
        _, model = yield from change(store, path, base, make)
        seat.published(model)
    finally:
        seat.lock.release()
    if catalog is not None:
        yield from catalog.changed(store, path, model)
    return model


def check_writable(store: Store, model: Model) -> None:
    """Refuses a change of a node where nothing can be written.

    Raises:
        ReadOnlyError: the store is open for reading only, or the node's format is never written.
    """
    if model.why_read_only:
        raise ReadOnlyError(store.url, model.why_read_only)
    if store.read_only:
        raise ReadOnlyError(store.url)


def plain(model: GroupModel) -> GroupModel:
    """A group's model without consolidated documents."""
    if model.consolidated is None:
        return model
    return model.with_consolidated(None)


def ancestors(path: str) -> list[str]:
    """The paths above a path, the root first."""
    if not path:
        return []
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts))]


def child(path: str, name: str) -> str:
    """The path of a member."""
    return join(path, name)


def attributes_of(model: Model) -> dict[str, Any]:
    """A copy of a model's attributes, shallow."""
    return dict(model.attributes)


def complete(given: Any, place: Store, steps: Steps[Any]) -> Steps[None]:
    """Does work, and closes the store where it was opened for it and waits to be closed; after a failure as it was.

    Args:
        given: what the caller passed as the store; a store of the caller's own stays open.
        place: the store.
        steps: the work.
    """
    waits = is_ours_to_close(given, place)
    try:
        yield from steps
    except BaseException:
        if waits:
            yield close(place, keep=False)
        raise
    if waits:
        yield close(place)
