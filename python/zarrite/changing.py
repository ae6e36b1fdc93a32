"""Changing a node's documents while others change them too: read, changed, and put only where they are what was read.

Nobody's change is lost: who was overtaken reads again and makes its change to what it finds then. Stores that cannot do
that are told of, and changed as they can be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from zarrite import _engine, formats
from zarrite._engine import Store, Version
from zarrite._verb import Steps
from zarrite.cells import box_of
from zarrite.errors import (
    ArrayNotFoundError,
    GroupNotFoundError,
    MetadataValidationError,
    StoreError,
    UnsafeWriteError,
)
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.selection import Axis

__all__ = ["Found", "change", "check_fits", "find", "grown", "pause", "put_new", "put_over", "put_shape", "shape_key"]

Model = ArrayModel | GroupModel
M = TypeVar("M", ArrayModel, GroupModel)

TRIES = 400
"""How often a change is made anew when others were faster. Each try waits longer, up to `LONGEST_S`."""
LONGEST_S = 0.1


class Found(NamedTuple):
    """A node as the store has it now.

    Attributes:
        model: what its documents say.
        documents: bytes and version by key; `None` for a document that is not there.
    """

    model: Model
    documents: dict[str, tuple[bytes, Version] | None]


def find(store: Store, path: str, own: Model) -> Steps[Found]:
    """Reads a node with the versions of its documents.

    Raises:
        ArrayNotFoundError, GroupNotFoundError: it is gone, or something else is there.
    """
    found: dict[str, tuple[bytes, Version] | None] = {}
    keys = formats.first_keys(path, own.zarr_format)
    for key in keys if len(keys) == 1 else formats.described(own, path):
        found[key] = yield store.get_versioned(key)
    raws = {key: None if one is None else one[0] for key, one in found.items()}
    model = formats.parse(path, raws, own.zarr_format)
    if isinstance(model, GroupModel) and isinstance(own, GroupModel) and own.consolidated_name:
        named = formats.copies_key(path, own, own.consolidated_name)
        raw = None if named is None else raws.get(named)
        if named is not None and raw is not None:
            model = formats.with_copies(model, raw, named)
    if model is None or type(model) is not type(own):
        missing = ArrayNotFoundError if isinstance(own, ArrayModel) else GroupNotFoundError
        raise missing(store.url, path)
    if isinstance(model, ArrayModel) and isinstance(own, ArrayModel) and model.keys != own.keys:
        # What the caller said of the keys when the array was opened.
        model = dataclasses.replace(model, keys=own.keys)
    return Found(model, found)


def change(store: Store, path: str, own: M, make: Callable[[M], M | None]) -> Steps[tuple[M, M]]:
    """Changes a node's documents: one read and one put for each, and again where somebody else was faster.

    Args:
        store: where the node is.
        path: its path.
        own: the model of the handle that asks: the kind of node and of documents.
        make: makes the new model of the one that is there, or `None` where nothing is to be changed; called once for
            every try.

    Returns:
        the model that was there, and the one that is there now.

    Raises:
        ArrayNotFoundError, GroupNotFoundError: the node is gone.
        StoreError: others were faster again and again.
    """
    made: tuple[M, M] | None = None
    for attempt in range(TRIES):
        found = yield from find(store, path, own)
        now: M = found.model  # type: ignore[assignment]
        # Once the change is in one document, the others only have to follow.
        model = make(now) if made is None else now
        if model is None:
            return now, now
        documents = formats.dump(model, path)
        before = {key: one[0] for key, one in found.documents.items() if one}
        if made is None:
            before = formats.dump(now, path) if len(documents) > 1 else {}
        changed = [(key, value) for key, value in documents.items() if before.get(key) != value]
        if not changed and made is None:
            changed = list(documents.items())
        for key, value in changed:
            there = found.documents[key] if key in found.documents else (yield store.get_versioned(key))
            if not (yield from put_over(store, key, value, there)):
                break
            made = (now, model) if made is None else made
        else:
            gone = [key for key in before if key not in documents]
            if gone:
                yield store.delete(gone)
            return (now, model) if made is None else (made[0], model)
        yield pause(attempt)
    raise StoreError(formats.first_keys(path)[0], "others changed it again and again", url=store.url)


def put_over(store: Store, key: str, value: bytes, there: tuple[bytes, Version] | None) -> Steps[bool]:
    """Puts a document where it is what it was; in any case in a store that cannot tell.

    Raises:
        UnsafeWriteError: the store cannot tell, and the setting `array.unsafe_writes` refuses that.
    """
    if store.safety != "nothing":
        try:
            done: bool = yield store.put_if_version(key, value, None if there is None else there[1])
        except UnsafeWriteError:
            if store.safety != "nothing":
                raise
        else:
            return done
    store.unprotected(key)
    yield store.put(key, value)
    return True


def put_new(store: Store, key: str, value: bytes) -> Steps[bool]:
    """Puts a document where there is none, and says whether it did; looks first in a store that cannot tell."""
    if store.safety != "nothing":
        try:
            done: bool = yield store.put_if_absent(key, value)
        except UnsafeWriteError:
            if store.safety != "nothing":
                raise
        else:
            return done
    if (yield store.get(key)) is not None:
        return False
    yield store.put(key, value)
    return True


def pause(attempt: int) -> _engine.Pending[None]:
    """The wait before another try: by chance, so that of several writers each gets its turn."""
    return _engine.pause(min(LONGEST_S, 0.0005 * 2 ** min(attempt, 10)))


# ---------------------------------------------------------------- the shape


def grown(before: ArrayModel, length: int, at: int) -> tuple[ArrayModel, tuple[Axis, ...]]:
    """The model of an array that has grown along an axis, and the box of its new cells."""
    shape = tuple(old + length * (place == at) for place, old in enumerate(before.shape))
    starts = tuple(before.shape[at] * (place == at) for place in range(before.ndim))
    return before.with_shape(shape), box_of(starts, shape)


def put_shape(store: Store, path: str, found: Found, model: ArrayModel) -> Steps[bool]:
    """Puts the document that says the shape, where it is what it was."""
    documents = formats.dump(model, path)
    before = formats.dump(found.model, path) if len(documents) > 1 else {}
    changed = {key: value for key, value in documents.items() if before.get(key) != value}
    for key, value in changed.items():
        if not (yield from put_over(store, key, value, found.documents.get(key))):
            return False
        if len(documents) == 1:
            formats.remember(model, value)
    return True


def shape_key(model: Model, path: str) -> str:
    """The key of the document that says the shape."""
    return next(iter(formats.dump(model, path)))


def check_fits(data: tuple[int, ...], shape: tuple[int, ...], axis: int) -> None:
    """Refuses cells that do not continue an array along an axis.

    Raises:
        MetadataValidationError: another axis of theirs has another length (a `ValueError`).
    """
    rest = tuple(length for place, length in enumerate(shape) if place != axis)
    given = tuple(length for place, length in enumerate(data) if place != axis)
    """Refuses cells that do not continue an array along an axis.

    Raises:
        MetadataValidationError: they have another length along another axis (a `ValueError`).
    """
    if len(data) != len(shape) or rest != given:
        raise MetadataValidationError(
            f"data of shape {data} cannot be appended along axis {axis} to an array of shape {shape}; "
            "all other axes must have the same length"
        )
