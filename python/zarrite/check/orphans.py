"""Objects that belong to no node, lie outside the grid, or were left by writers that did not end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import unquote, urlparse

from zarrite.check.findings import NOTE, WARNING, Finding
from zarrite.check.walk import Hierarchy, Node
from zarrite.model.node import ArrayModel

__all__ = ["BACKUP", "LEFT", "check_orphans", "folder_of", "left_files"]

BACKUP = ".before-repair"
"""What stands behind the key of a document's backup."""
PARTIAL = (".partial", ".tmp", ".temp", ".part", ".crdownload", ".swp")
LEFT = "partial"
"""The rule that files break which a writer had begun when it was killed."""
LOCKS = (".lock", ".lck")
SYSTEM = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
MOST_NAMED = 3
"""How many keys of a kind are named in one finding; its count says how many there are."""


def check_orphans(hierarchy: Hierarchy) -> Iterator[Finding]:
    """The objects that no reader will look for."""
    for node in hierarchy.nodes.values():
        kinds: dict[str, list[str]] = {}
        for key in node.others:
            kinds.setdefault(_kind(key), []).append(key)
        if isinstance(node.model, ArrayModel):
            counts = node.model.chunk_grid_shape
            outside = [key for key, place in node.chunks.items() if not _inside(place, counts)]
            if outside:
                kinds["chunk-outside"] = outside
        if node.model is not None or kinds.keys() - {"stray"}:  # the chunks of a node that is unreadable are no strays
            for kind, keys in kinds.items():
                if node.model is not None or kind != "stray":
                    yield _told(node, kind, keys)
    if hierarchy.lost:
        yield Finding(
            WARNING,
            "/",
            hierarchy.lost[0],
            "stray",
            f"{_count(hierarchy.lost)} above every node: {_some(hierarchy.lost)}",
            "delete them if nobody needs them",
        )
    yield from _hidden(hierarchy)


def _inside(place: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    return all(at < count for at, count in zip(place, counts, strict=True))


def _kind(key: str) -> str:
    name = key.rpartition("/")[2]
    if BACKUP in name:
        return "backup"
    if not name:
        return "folder-object"
    if name.lower().endswith(PARTIAL):
        return "partial"
    if name.lower().endswith(LOCKS):
        return "lock"
    return "system-file" if name in SYSTEM else "stray"


SAYINGS = {
    "backup": (NOTE, "a document as it was before a repair", "delete them when the repair is as it should be"),
    "folder-object": (NOTE, "an object that stands for a folder", "nothing needs to be done: readers pass them by"),
    "partial": (WARNING, "what a writer left that did not end", "delete them when no writer is at work"),
    "lock": (WARNING, "a lock that a writer left", "delete them when no writer is at work"),
    "system-file": (NOTE, "a file of the operating system", "delete them if they are in the way"),
    "stray": (WARNING, "neither a document nor a chunk", "delete them if nobody needs them"),
    "chunk-outside": (
        WARNING,
        "a chunk outside the array's shape, whose cells come back when the array grows",
        "delete them, or grow the array if they are meant",
    ),
}


def _told(node: Node, kind: str, keys: list[str]) -> Finding:
    severity, what, way_out = SAYINGS[kind]
    return node.found(severity, keys[0], kind, f"{_count(keys)}, each {what}: {_some(keys)}", way_out)


def _count(keys: list[str]) -> str:
    return f"{len(keys)} object{'s' if len(keys) > 1 else ''}"


def _some(keys: list[str]) -> str:
    more = len(keys) - MOST_NAMED
    return ", ".join(keys[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


# ------------------------------------------------------------------ files that a store does not list


def folder_of(hierarchy: Hierarchy) -> str | None:
    """The folder of a store of files, or `None` for every other store."""
    url = urlparse(hierarchy.store.url)
    if not hierarchy.store.is_local or url.scheme != "file":
        return None
    folder = os.path.join(unquote(url.path), *hierarchy.path.split("/"))
    return folder if os.path.isdir(folder) else None


def left_files(hierarchy: Hierarchy) -> dict[str, str]:
    """Files that zarrite's writers had begun when they were killed, as keys are written; with their paths."""
    return {key: path for key, path in _walked(hierarchy)[0].items() if not _is_lock(key)}


def _is_lock(key: str) -> bool:
    return "lock" in key.rpartition("/")[2]


def _walked(hierarchy: Hierarchy) -> tuple[dict[str, str], list[str]]:
    """Files that the store hides from lists, and folders in which nothing is."""
    folder = folder_of(hierarchy)
    hidden: dict[str, str] = {}
    empty: list[str] = []
    if folder is None:
        return hidden, empty
    listed = set(hierarchy.keys)
    for place, folders, files in os.walk(folder):
        below = os.path.relpath(place, folder).replace(os.sep, "/")
        prefix = "/".join(part for part in (hierarchy.path, "" if below == "." else below) if part)
        start = f"{prefix}/" if prefix else ""
        for name in files:
            if start + name not in listed and name.endswith(PARTIAL):
                hidden[start + name] = os.path.join(place, name)
        if not folders and not files and below != ".":
            empty.append(prefix)
    return hidden, empty


def _hidden(hierarchy: Hierarchy) -> Iterator[Finding]:
    """Files that zarrite's own writers hide from lists: those that a killed process left."""
    hidden, empty = _walked(hierarchy)
    locks = [key for key in hidden if _is_lock(key)]
    rest = [key for key in hidden if not _is_lock(key)]
    if rest:
        severity, what, way_out = SAYINGS["partial"]
        message = f"{_count(rest)}, each {what}: {_some(rest)}"
        yield Finding(severity, "/", rest[0], LEFT, message, way_out, repairable=True)
    if locks:
        yield Finding(
            NOTE,
            "/",
            locks[0],
            "lock",
            f"{_count(locks)}, each a lock that processes share: {_some(locks)}",
            "delete them when no writer is at work, or leave them: they do no harm",
        )
    if empty:
        message = f"{len(empty)} empty folders: {_some(empty)}"
        yield Finding(NOTE, "/", empty[0], "folder-empty", message, "delete them if they are in the way")
