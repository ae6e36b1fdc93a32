"""What lies in a store, and which node each object belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from zarrite import formats
from zarrite.check.findings import Finding
from zarrite.errors import NodeNotFoundError
from zarrite.formats.examine import Examined, Model, examine
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.stored import chunk_indices
from zarrite.stores import join

__all__ = ["Hierarchy", "Node", "walk"]

AT_ONCE = 512
"""How many documents are asked for at once."""


@dataclasses.dataclass
class Node:
    """One node as it lies in the store.

    Attributes:
        path: its path in the store.
        documents: its documents, by key.
        examined: what they are, held against the letter.
        chunks: stored objects of an array, with their places in the grid.
        others: objects below it that are none of these and belong to no node further down.
    """

    path: str
    documents: dict[str, bytes]
    examined: Examined
    chunks: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    others: list[str] = dataclasses.field(default_factory=list)

    @property
    def model(self) -> Model | None:
        """What it is, where that can be told."""
        return self.examined.model

    @property
    def name(self) -> str:
        """Its path for people."""
        return "/" + self.path

    def found(
        self, severity: str, key: str, rule: str, message: str, way_out: str, *, repairable: bool = False
    ) -> Finding:
        """A finding about this node."""
        return Finding(severity, self.name, key, rule, message, way_out, repairable)


@dataclasses.dataclass
class Hierarchy:
    """Everything at and below a path of a store.

    Attributes:
        store: the store.
        path: the path that is checked.
        keys: every object there.
        nodes: every node, by its path in the store.
        lost: objects above or beside every node.
    """

    store: Any
    path: str
    keys: list[str]
    nodes: dict[str, Node]
    lost: list[str]

    def arrays(self) -> list[tuple[Node, ArrayModel]]:
        """The arrays that can be understood."""
        return [(node, node.model) for node in self.nodes.values() if isinstance(node.model, ArrayModel)]

    def groups(self) -> list[tuple[Node, GroupModel]]:
        """The groups that can be understood."""
        return [(node, node.model) for node in self.nodes.values() if isinstance(node.model, GroupModel)]

    def below(self, path: str) -> dict[str, Model]:
        """What is below a path and can be understood, by relative path."""
        start = f"{path}/" if path else ""
        return {
            other[len(start) :]: node.model
            for other, node in self.nodes.items()
            if other != path and other.startswith(start) and node.model is not None
        }


def walk(store: Any, path: str) -> Hierarchy:
    """Lists a store and reads every document in it.

    Raises:
        NodeNotFoundError: no document of any node is there.
    """
    keys = sorted(store.list(f"{path}/" if path else "").result())
    named = [key for key in keys if formats.is_document(key)]
    texts: dict[str, bytes | None] = {}
    for start in range(0, len(named), AT_ONCE):
        batch = named[start : start + AT_ONCE]
        texts.update(zip(batch, store.get_many(batch).result(), strict=True))
    by_path: dict[str, dict[str, bytes]] = {}
    for key, raw in texts.items():
        if raw is not None:
            by_path.setdefault(key.rpartition("/")[0], {})[key] = raw
    if not by_path:
        raise NodeNotFoundError(store.url, path, formats.document_keys(path))
    nodes = {}
    for place, documents in sorted(by_path.items()):
        examined = examine(place, documents)
        if examined.model is not None or examined.remarks:
            nodes[place] = Node(place, documents, examined)
    hierarchy = Hierarchy(store, path, keys, nodes, [])
    _share_out(hierarchy, (key for key in keys if key not in texts))
    return hierarchy


def _share_out(hierarchy: Hierarchy, keys: Iterable[str]) -> None:
    """Gives every object to the nearest node above it."""
    owned: dict[str, list[str]] = {}
    for key in keys:
        place = key
        while place:
            place = place.rpartition("/")[0]
            if place in hierarchy.nodes:
                owned.setdefault(place, []).append(key)
                break
        else:
            hierarchy.lost.append(key)
    for place, found in owned.items():
        node = hierarchy.nodes[place]
        if isinstance(node.model, ArrayModel):
            node.chunks = chunk_indices(found, place, node.model)
        node.others = [key for key in found if key not in node.chunks]


def relative(key: str, node: Node) -> str:
    """A key as its node sees it."""
    return key[len(node.path) + 1 :] if node.path else key


def parent_of(path: str) -> str:
    """The path above another."""
    return path.rpartition("/")[0]


def joined(path: str, name: str) -> str:
    """A path and a name below it."""
    return join(path, name)
