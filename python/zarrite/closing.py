"""Work that leaves no handle behind: it closes what it opened."""

from __future__ import annotations

from typing import Any

from zarrite._engine import Store, close
from zarrite._verb import Steps
from zarrite.stores import is_ours_to_close

__all__ = ["complete"]


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
