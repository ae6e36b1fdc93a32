"""Names of objects in this process that never come back, as their addresses do."""

from __future__ import annotations

import itertools
import threading
import weakref

__all__ = ["name_of"]

_lock = threading.RLock()
_count = itertools.count(1)
_names: dict[int, tuple[weakref.ref[object], str]] = {}


def name_of(thing: object, *, share: bool = False) -> str:
    """A name for an object, the same as long as it lives.

    Args:
        thing: the object.
        share: objects equal to a living one get its name; for those whose equality means one thing behind both.
    """
    with _lock:
        held = _names.get(id(thing))
        if held is not None and held[0]() is thing:
            return held[1]
        kind = type(thing)
        alike = []
        if share:
            living = [(found(), name) for found, name in list(_names.values())]
            alike = [name for other, name in living if type(other) is kind and other == thing]
        name = alike[0] if alike else f"{kind.__name__}/{next(_count)}"
        at = id(thing)

        def forget(gone: weakref.ref[object]) -> None:
            with _lock:
                if _names.get(at, (None,))[0] is gone:
                    del _names[at]

        try:
            _names[at] = weakref.ref(thing, forget), name
        except TypeError:  # it knows no weak references: the name is for this once
            pass
        return name
