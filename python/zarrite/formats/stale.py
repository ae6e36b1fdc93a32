"""Consolidated metadata held against the documents it repeats.

Nothing ties a copy to its source, so a writer that changes a node and not the copies above it leaves readers of the
copies with what the node once was. Source: format reference 1.10.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ZarriteError
from ..model.node import ArrayModel, GroupModel, same_json
from . import v2, v3
from .consolidated import consolidate, consolidated_members
from .documents import read_json, write_json

__all__ = ["Stale", "restated", "stale_copies"]

Model = ArrayModel | GroupModel


class Stale(NamedTuple):
    """A copy that does not say what its source says.

    Attributes:
        path: path of the member, relative to the group that holds the copy.
        how: "differs", "gone" (the copy has a member that is no longer there) or "missing" (the copy lacks one).
        what: the members of the document that differ.
    """

    path: str
    how: str
    what: tuple[str, ...] = ()


def consolidated_key(path: str, group: GroupModel) -> str:
    """The key of the document that holds a group's copies."""
    prefix = path.strip("/") + "/" if path else ""
    return prefix + (v3.NAME if group.zarr_format == v3.NUMBER else v2.CONSOLIDATED_NAME)


def stale_copies(group: GroupModel, below: Mapping[str, Model]) -> list[Stale]:
    """The copies in a group's documents that do not say what the documents below it say.

    Args:
        group: the group as it was read, copies included.
        below: everything below it as its own documents have it, by relative path.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copy that cannot be understood is told as one that is missing
        copies = consolidated_members(group)
    if copies is None:
        return []
    found = [Stale(path, "gone") for path in sorted(copies.keys() - below.keys())]
    found += [Stale(path, "missing") for path in sorted(below.keys() - copies.keys())]
    for path in sorted(copies.keys() & below.keys()):
        what = _differences(copies[path], below[path])
        if what:
            found.append(Stale(path, "differs", what))
    return found


def _differences(copy: Model, source: Model) -> tuple[str, ...]:
    if copy == source:
        return ()
    one, other = _document(copy), _document(source)
    names = [
        name
        for name in dict.fromkeys((*one, *other))
        if name != "consolidated_metadata" and not same_json(_plain(one.get(name)), _plain(other.get(name)))
    ]
    return tuple(names)


def _document(model: Model) -> dict[str, Any]:
    try:
        return model.to_dict()
    except ZarriteError:
        return {"": repr(model)}


def _plain(value: Any) -> Any:
    """A value as JSON has it, with an empty object and an empty list as nothing."""
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value] or None
    return value if value != {} else None


def restated(path: str, raw: bytes, group: GroupModel, below: Mapping[str, Model]) -> dict[str, bytes]:
    """The document that holds a group's copies, with the copies made anew from what is below; nothing else changes.

    Args:
        path: path of the group.
        raw: that document as it is.
        group: the group as it was read.
        below: everything below it as its own documents have it, by relative path.
    """
    key = consolidated_key(path, group)
    document = read_json(raw, key)
    fresh = {name: _without_copies(model) for name, model in below.items()}
    copies = consolidate(fresh, _without_copies(group)).consolidated
    if group.zarr_format == v3.NUMBER:
        held = document.get("consolidated_metadata")
        base = held if isinstance(held, dict) else {}
        document["consolidated_metadata"] = {**base, "kind": "inline", "must_understand": False, "metadata": copies}
    else:
        document["metadata"] = copies
    keeps = group.keeps_tokens or any(model.keeps_tokens for model in below.values())
    return {key: write_json(document, key, keeps_tokens=keeps)}


def _without_copies(model: Any) -> Any:
    return model.with_consolidated(None) if isinstance(model, GroupModel) else model
