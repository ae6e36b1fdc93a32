"""Where no node was found: is something else there, is it within a file, and what is there that is called like it?"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from zarrite import _engine, formats
from zarrite._engine import Store
from zarrite._verb import Call, Steps
from zarrite.errors import BaseZarrError, MetadataValidationError, ReadOnlyError, StoreError
from zarrite.formats.detection import Clue, clues, recognised
from zarrite.node import fetch
from zarrite.stores import StorePath, join, join_url
from zarrite.stores.paths import file_path

__all__ = ["instead", "is_absent", "look", "near"]

MOST_NAMED = 3


def look(
    place: Any, store: Store, path: str, options: Mapping[str, Any] | None, mode: str | None
) -> Steps[tuple[Store, str] | None]:
    """What lies at a place without a node, found out with one round of requests.

    Args:
        place: what the user passed.
        store: the store it led to.
        path: the path in it.
        options: the options of the store.
        mode: how the place is opened.

    Returns:
        the store and the path inside an archive or a repository that is there; `None` where nothing is recognised.

    Raises:
        MetadataValidationError: something is there that is not read; says what it is, and the way out.
        ReadOnlyError: what is there can be read and not written.
    """
    from zarrite.stores.adapters import over
    from zarrite.stores.roots import file_of

    found = file_of(place, options)
    base, key = (store, path) if found is None else found
    below = "" if found is None else path
    is_file = not (isinstance(place, str) and place.endswith("/"))
    spots = [(key, "")] if not below else [(key, below), (join(key, below), "")]
    asked = [(spot, clue) for spot in spots for clue in clues(spot[0], is_file=is_file)]
    parts = [(clue.key, clue.start, clue.stop, clue.lenient) for _, clue in asked]
    answers = yield _engine.get_parts(base, parts)
    for spot, inside in spots:
        told = _answers(spot, asked, answers)
        what, way = recognised({clue.name: raw for clue, raw in told})
        if what in ("zip", "icechunk"):
            # Changes of a repository need a session that is committed, so they are asked for by name.
            alone = mode == "r" or what == "icechunk"
            opened = yield Call(functools.partial(over, what, base, spot, options, read_only=alone))
            if mode == "r+" and opened.read_only:
                raise ReadOnlyError(opened.url)
            if what == "zip" and not inside:
                # An archive that a folder was packed into with its name.
                keys, folders = yield opened.list_dir("")
                inside = folders[0] if not keys and len(folders) == 1 else ""
            return opened, inside
        if what:
            raise MetadataValidationError(f"{join_url(base.url, spot)} is {what} and no Zarr node; {way}")
        formats.refuse_older(spot, {clue.key: raw for clue, raw in told})
    return None


def _answers(
    spot: str, asked: list[tuple[tuple[str, str], Clue]], answers: list[bytes | None]
) -> list[tuple[Clue, bytes | None]]:
    return [(clue, raw) for ((at, _), clue), raw in zip(asked, answers, strict=True) if at == spot]


def is_absent(store: Store) -> bool:
    """Whether a store on this machine is a folder that is not there."""
    if not store.url.startswith("file://") or "|" in store.url:
        return False
    return not os.path.exists(file_path(store.url, store.url.removeprefix("file:")))


def near(store: Store, path: str) -> Steps[tuple[str, ...]]:
    """Names that are like one that is not there, beside it; none where looking is not cheap."""
    import difflib

    if not store.is_local:
        return ()
    at = StorePath(store, path)
    if not path and store.url.endswith("|zip:"):
        _, folders = yield store.list_dir("")
        return tuple(folders[:MOST_NAMED])
    if not path:
        if not store.url.startswith("file://") or "|" in store.url:
            return ()
        from zarrite.stores.roots import file_of

        found = file_of(store.url, None)
        if found is None:
            return ()
        at = StorePath(*found)
    parent, _, name = at.path.rpartition("/")
    try:
        keys, prefixes = yield at.store.list_dir(parent)
    except (StoreError, OSError):
        return ()
    # What all names end with, such as ".zarr", makes none of them like another.
    known = [other for other in (*keys, *prefixes) if other != name and not formats.is_document(other)]
    names = {os.path.splitext(other.casefold())[0]: other for other in known}
    stem, _ = os.path.splitext(name.casefold())
    return tuple(names[close] for close in difflib.get_close_matches(stem, names, MOST_NAMED))


def instead(store: Store, path: str, zarr_format: int | None) -> Steps[str]:
    """What is at a place in place of the node that was asked for, in words; "" where looking is not cheap."""
    if not store.is_local:
        return ""
    if zarr_format is not None:
        try:
            other, _ = yield from fetch(store, path)
        except BaseZarrError:
            return ""
        if other is not None:
            return (
                f"a node of format {other.zarr_format} is there, and format {zarr_format} was asked for: "
                f"pass zarr_format={other.zarr_format}, or None for any"
            )
    place, key = store, path
    if not path and store.url.startswith("file://") and "|" not in store.url:
        from zarrite.stores.roots import file_of

        place, key = file_of(store.url, None) or (store, path)
    if not key or not place.is_local:
        return ""
    (head,) = yield _engine.get_parts(place, [(key, 0, 1, True)])
    return "" if head is None else "a file is there; name the folder that an array or a group is in"
