"""Appending where there are no locks: several machines, one array on an object store, nothing lost.

Cells lie in objects behind the end of the array before the shape that holds them is published, so two who append at
once meet in the objects. The rules that keep them apart:

1. An object that is not there is made by a put that fails when it is there.
2. An object that is there (a chunk or shard that the old end cuts; what an interrupted append left; what another is
   appending just now) is replaced only after the array's document was *claimed*: replaced by the same document with
   fresh blanks behind it. Objects are replaced on the condition that they are what they were before the claim.
3. The new shape is put on the condition that the document is what it was at the last claim, or when it was read.

Whoever puts the shape has lost no object: to replace one of its objects, another must have seen it, and then have
claimed the document; then the condition of the put of the shape does not hold. Who fails begins again at what is the
end by then. Blanks also ask others to wait a while; who wrote them may have died, so nobody waits for ever.
"""

from __future__ import annotations

import os
import time
from typing import Any

from numpy.typing import NDArray

from zarrite import _engine
from zarrite._engine import Store, Version
from zarrite._verb import Steps
from zarrite.cells import bind
from zarrite.changing import Found, check_fits, find, grown, pause, put_over, put_shape, shape_key
from zarrite.config import ArrayConfig
from zarrite.errors import UnsafeWriteError
from zarrite.model.node import ArrayModel

__all__ = ["append_claimed"]

PATIENCE_S = 2.0
"""How long a claim of another is respected while nothing changes; longer each time one's own claim was lost."""
LONGEST_S = 120.0
BLANKS = 64


def append_claimed(
    store: Store, path: str, own: ArrayModel, config: ArrayConfig, values: NDArray[Any], at: int
) -> Steps[ArrayModel]:
    """Appends cells; gives the model that holds them."""
    patience = PATIENCE_S
    for attempt in range(1_000_000):
        found = yield from find(store, path, own)
        before = found.model
        assert isinstance(before, ArrayModel)
        check_fits(values.shape, before.shape, at)
        if _is_claimed(found, path) and not (yield from _waited(store, path, found, patience)):
            continue
        model, box = grown(before, values.shape[at], at)
        written = yield from _written(store, path, found, bind(model, store, path, config), box, values, at, patience)
        if written is not None and (yield from put_shape(store, path, written, model)):
            return model
        patience = min(patience * 2, LONGEST_S)
        yield pause(attempt)
    raise AssertionError  # pragma: no cover


def _written(
    store: Store, path: str, found: Found, cells: Any, box: Any, values: NDArray[Any], at: int, patience: float
) -> Steps[Found | None]:
    """Writes the cells; gives what the document was at the last claim, or `None` when another has claimed it since."""
    claim = _engine.Claim()
    before = found.model
    assert isinstance(before, ArrayModel)
    edges, end = before.grid.axes[at], before.shape[at]
    cut = end > 0 and edges.start(edges.at(end - 1) + 1) != end
    try:
        while not (yield cells.write_claimed(box, values, claim)):
            if not cut and not (yield from _waited(store, path, found, patience)):
                return None
            # Once there is a claim of one's own, others wait.
            cut = True
            now = yield from _claimed(store, path, found)
            if now is None:
                return None
            found = now
    except UnsafeWriteError:
        if store.safety != "nothing":
            raise
        store.unprotected(path)
        yield cells.write(box, values)
    return found


def _claimed(store: Store, path: str, found: Found) -> Steps[Found | None]:
    """Claims the document; `None` when it is no longer what was found."""
    key = shape_key(found.model, path)
    there = found.documents[key]
    assert there is not None
    number = int.from_bytes(os.urandom(BLANKS // 8))
    blanks = "".join(" \t"[number >> bit & 1] for bit in range(BLANKS))
    raw = there[0].rstrip() + b"\n" + blanks.encode()
    if not (yield from put_over(store, key, raw, there)):
        return None
    now: tuple[bytes, Version] | None = yield store.get_versioned(key)
    if now is None or now[0] != raw:
        return None
    return Found(found.model, {**found.documents, key: now})


def _is_claimed(found: Found, path: str) -> bool:
    there = found.documents[shape_key(found.model, path)]
    return there is not None and there[0][-BLANKS:].isspace()


def _waited(store: Store, path: str, found: Found, patience: float) -> Steps[bool]:
    """Waits until a document changes, which is `False`, or patience ends."""
    key = shape_key(found.model, path)
    there = found.documents[key]
    end = time.monotonic() + patience
    asked = 0
    while time.monotonic() < end:
        yield pause(asked)
        asked += 1
        now = yield store.get(key)
        if there is None or now != there[0]:
            return False
    return True
