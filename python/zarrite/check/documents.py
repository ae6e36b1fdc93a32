"""Documents against the specification, and the hierarchy they make."""

from __future__ import annotations

from collections.abc import Iterator

from zarrite.check.findings import ERROR, NOTE, WARNING, Finding
from zarrite.check.walk import Hierarchy, Node, parent_of
from zarrite.formats.examine import demands_groups
from zarrite.model.node import ArrayModel

__all__ = ["check_documents"]

KEY_BYTES = 1024
"""The longest key that object stores take."""


def check_documents(hierarchy: Hierarchy) -> Iterator[Finding]:
    """What the documents say against the letter, and what they do not say together."""
    missing: set[str] = set()
    for node in hierarchy.nodes.values():
        for remark in node.examined.remarks:
            yield node.found(
                remark.severity, remark.key, remark.rule, remark.message, remark.way_out, repairable=remark.repairable
            )
        yield from _name(node)
        yield from _place(node, hierarchy, missing)


def _name(node: Node) -> Iterator[Finding]:
    name = node.path.rpartition("/")[2]
    key = next(iter(node.documents), node.path)
    if name.startswith("__"):
        yield node.found(
            WARNING,
            key,
            "name-reserved",
            f"the name {name!r} begins with two underscores, which the specification keeps for itself",
            "move the node to another name where readers refuse it",
        )
    long = [one for one in (*node.documents, *node.chunks) if len(one.encode()) > KEY_BYTES]
    if long:
        yield node.found(
            WARNING,
            long[0],
            "key-long",
            f"{len(long)} keys are longer than {KEY_BYTES} bytes, the most that object stores take",
            "move the node to a shorter path before it is copied to one",
        )


def _place(node: Node, hierarchy: Hierarchy, missing: set[str]) -> Iterator[Finding]:
    key = next(iter(node.documents), node.path)
    above = node.path
    while above != hierarchy.path and above:
        above = parent_of(above)
        owner = hierarchy.nodes.get(above)
        if owner is not None:
            yield from _below(owner, node, key)
            return
        if node.model is not None and above not in missing:
            missing.add(above)
            yield Finding(
                ERROR if demands_groups(node.model) and not _is_wrapper(above, hierarchy) else NOTE,
                "/" + above,
                above,
                "group-missing",
                f"no document says that this is a group, though node {node.name!r} is below",
                "write a group here, so that the nodes below are found from above",
                repairable=True,
            )


def _is_wrapper(path: str, hierarchy: Hierarchy) -> bool:
    """Whether a path is the place that is checked and holds nothing but one folder, as in an archive of a folder."""
    start = f"{path}/" if path else ""
    return path == hierarchy.path and len({key[len(start) :].split("/")[0] for key in hierarchy.keys}) == 1


def _below(owner: Node, node: Node, key: str) -> Iterator[Finding]:
    if isinstance(owner.model, ArrayModel):
        yield node.found(
            WARNING,
            key,
            "node-in-array",
            f"the node lies inside the array {owner.name!r}, and arrays have no members",
            "move it beside the array",
        )
    elif owner.model is not None and node.model is not None and owner.model.zarr_format != node.model.zarr_format:
        yield node.found(
            WARNING,
            key,
            "formats-mixed",
            f"the node and the group {owner.name!r} above it are of two formats, and readers of one do not see both",
            "convert one of them",
        )
