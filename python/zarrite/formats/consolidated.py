"""Consolidated metadata: a group's documents that repeat those of everything below it.

Source: format reference 1.10. The copies are kept as they were read; they become models when somebody asks for members.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from ..errors import ZarriteError, ZarrUserWarning
from ..model.node import ArrayModel, GroupModel
from . import v2, v3
from .tolerance import V2_FIXES, V3_FIXES, tolerant

Node = ArrayModel | GroupModel
EMPTY = {"kind": "inline", "must_understand": False, "metadata": {}}
"""What a group inside a copy says of its own copy: it is in the one that holds the group."""


def consolidate(models: Mapping[str, Node], root: GroupModel) -> GroupModel:
    """The root group with the documents of everything below it repeated in its own.

    Args:
        models: everything below, by path relative to the root.
        root: the group that is to hold the copies.
    """
    ordered = sorted(models.items(), key=lambda item: (item[0].count("/"), item[0]))
    if root.zarr_format == v3.NUMBER:
        return root.with_consolidated({path.strip("/"): _v3_copy(model) for path, model in ordered})
    copies: dict[str, Any] = {}
    for path, model in (("", root), *ordered):
        prefix = path.strip("/") + "/" if path else ""
        if isinstance(model, ArrayModel):
            copies[prefix + v2.ARRAY_NAME] = v2.V2().zarray(model)
        else:
            copies[prefix + v2.GROUP_NAME] = v2.V2().zgroup(model)
        copies[prefix + v2.ATTRIBUTES_NAME] = model.attributes
    return root.with_consolidated(copies)


def _v3_copy(model: Node) -> dict[str, Any]:
    if isinstance(model, ArrayModel):
        return model.document()
    return {**model.with_consolidated(None).to_dict(), "consolidated_metadata": EMPTY}


def consolidated_members(group: GroupModel) -> dict[str, Node] | None:
    """Everything below a group, by relative path, as its copies have it; None when it has no copies.

    A copy that cannot be understood is left out, with a warning: the rest stays usable. Copies inside the copy of a
    group count as copies of their own; a group above a copy that has none itself is a group of which nothing is known.
    """
    if group.consolidated is None:
        return None
    found: dict[str, Node] = {}
    for path, copy in _nodes(group):
        where = f"consolidated metadata of {path!r}"
        try:
            found[path] = _node(copy, where)
        except ZarriteError as error:
            warnings.warn(f"{error}; it is left out", ZarrUserWarning, stacklevel=2)
    for path in list(found):
        for at, letter in enumerate(path):
            if letter == "/":
                found.setdefault(path[:at], GroupModel(group.zarr_format))
    return found


def direct_members(group: GroupModel) -> dict[str, Node]:
    """What lies directly below a group, by name, as its copies have it; groups repeat what lies below themselves."""
    found: dict[str, Node] = {}
    for path, model in (consolidated_members(group) or {}).items():
        if "/" not in path:
            first = path + "/"
            below = {
                key[len(first) :]: copy for key, copy in (group.consolidated or {}).items() if key.startswith(first)
            }
            found[path] = model if isinstance(model, ArrayModel) else model.with_consolidated(below)
    return found


def is_complete(group: GroupModel, members: Mapping[str, Node]) -> bool:
    """Whether the members are what the copies say, no more and no less: writing them again loses nothing."""
    return {path for path, _ in _nodes(group)} == set(members)


def _nodes(group: GroupModel) -> list[tuple[str, dict[str, Any]]]:
    """The copies by path; those of format 2 put together from their parts, under their names."""
    copies = group.consolidated or {}
    if group.zarr_format == v3.NUMBER:
        return list(_flat(copies).items())
    parts: dict[str, dict[str, Any]] = {}
    for key, copy in copies.items():
        path, _, name = key.strip("/").rpartition("/")
        parts.setdefault(path, {})[name] = copy
    return [(path, copy) for path, copy in parts.items() if path and copy.keys() & {v2.ARRAY_NAME, v2.GROUP_NAME}]


def _flat(copies: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of format 3 by path, with those that stand inside others; where there are two, the outer one counts."""
    found: dict[str, Any] = {}
    inner: list[tuple[str, Mapping[str, Any]]] = [("", copies)]
    while inner:
        above, level = inner.pop(0)
        for name, copy in level.items():
            path = f"{above}/{name.strip('/')}".strip("/")
            if not path or path in found:
                continue
            found[path] = copy
            repeated = copy.get("consolidated_metadata") if isinstance(copy, dict) else None
            nested = repeated.get("metadata") if isinstance(repeated, dict) else None
            if isinstance(nested, dict) and nested:
                inner.append((path, nested))
    return found


def _node(copy: Any, where: str) -> Node:
    if not isinstance(copy, dict):
        copy = {}
    attributes = copy.get(v2.ATTRIBUTES_NAME)
    attributes = attributes if isinstance(attributes, dict) else {}
    for name, make in (
        (v2.ARRAY_NAME, lambda fixed: v2.array_from_json(fixed, attributes)),
        (v2.GROUP_NAME, lambda fixed: v2.group_from_json(fixed, attributes, None)),
    ):
        if isinstance(copy.get(name), dict):
            return _patient(make, copy[name], V2_FIXES, where)
    return _patient(v3.node_from_json, copy, V3_FIXES, where)


def _patient(make: Any, document: dict[str, Any], fixes: Any, where: str) -> Node:
    try:
        node: Node = make(document)
    except ZarriteError as strict:
        node = tolerant(make, document, fixes, strict, where)
    if isinstance(node, GroupModel) and not node.consolidated:
        return node.with_consolidated(None)
    return node
