"""Putting right what can be put right without guessing, each object with a backup of what it was."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from zarrite import formats
from zarrite.check.findings import Finding, Repair
from zarrite.check.orphans import BACKUP, LEFT, left_files
from zarrite.check.shards import ABSENT, index_codec, read_index
from zarrite.check.walk import Hierarchy
from zarrite.check.writers import other_separator
from zarrite.formats.examine import bare_group, with_separator
from zarrite.formats.stale import consolidated_key, restated, stale_copies
from zarrite.model.node import ArrayModel

__all__ = ["Change", "changes", "delete_left", "make_changes"]


@dataclasses.dataclass
class Change:
    """An object that is to be written.

    Attributes:
        key: its key.
        new: its bytes.
        answers: the findings that it puts right.
    """

    key: str
    new: bytes
    answers: list[Finding]


def changes(hierarchy: Hierarchy, findings: Iterable[Finding]) -> list[Change]:
    """What has to be written to put right what is repairable among the findings."""
    wanted: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.repairable:
            wanted.setdefault(_kind(finding), []).append(finding)
    found: dict[str, Change] = {}
    _documents(hierarchy, wanted.get("document", []), found)
    _separators(hierarchy, wanted.get("separator", []), found)
    _groups(hierarchy, wanted.get("group-missing", []), found)
    _copies(hierarchy, wanted.get("consolidated", []), found)
    _markers(hierarchy, wanted.get("index-marker", []), found)
    return list(found.values())


def _kind(finding: Finding) -> str:
    if finding.rule in ("consolidated-differs", "consolidated-gone", "consolidated-missing"):
        return "consolidated"
    return finding.rule if finding.rule in ("separator", "group-missing", "index-marker", LEFT) else "document"


def _documents(hierarchy: Hierarchy, wanted: list[Finding], found: dict[str, Change]) -> None:
    mended = {key: raw for node in hierarchy.nodes.values() for key, raw in node.examined.mended.items()}
    for finding in wanted:
        if finding.key in mended:
            found.setdefault(finding.key, Change(finding.key, mended[finding.key], [])).answers.append(finding)


def _separators(hierarchy: Hierarchy, wanted: list[Finding], found: dict[str, Change]) -> None:
    for finding in wanted:
        node = hierarchy.nodes[finding.node[1:]]
        assert isinstance(node.model, ArrayModel)
        now = {**node.documents, **{key: change.new for key, change in found.items() if key in node.documents}}
        for key, raw in with_separator(node.path, now, other_separator(node, node.model) or "").items():
            change = found.setdefault(key, Change(key, raw, []))
            change.new = raw
            change.answers.append(finding)


def _groups(hierarchy: Hierarchy, wanted: list[Finding], found: dict[str, Change]) -> None:
    for finding in wanted:
        path = finding.node[1:]
        below = hierarchy.below(path)
        for key, raw in bare_group(next(iter(below.values())), path).items():
            found[key] = Change(key, raw, [finding])


def _copies(hierarchy: Hierarchy, wanted: list[Finding], found: dict[str, Change]) -> None:
    stale = {finding.node[1:] for finding in wanted}
    for path in sorted(stale, key=lambda path: (-path.count("/"), path)):
        node = hierarchy.nodes[path]
        group = node.model
        assert group is not None
        assert not isinstance(group, ArrayModel)
        key = consolidated_key(path, group)
        before = found[key].new if key in found else node.documents[key]
        below = _with_new_groups(hierarchy, path, found)
        for key, raw in restated(path, before, group, below).items():
            change = found.setdefault(key, Change(key, raw, []))
            change.new = raw
            change.answers.extend(finding for finding in wanted if finding.node == node.name)
    for node, group in hierarchy.groups():
        # A group that is written because it was missing has to be among the copies above it.
        if node.path in stale or group.consolidated is None:
            continue
        below = _with_new_groups(hierarchy, node.path, found)
        key = consolidated_key(node.path, group)
        if len(below) > len(hierarchy.below(node.path)) and stale_copies(group, below) and key in node.documents:
            before = found[key].new if key in found else node.documents[key]
            for key, raw in restated(node.path, before, group, below).items():
                found.setdefault(key, Change(key, raw, [])).new = raw


def _with_new_groups(hierarchy: Hierarchy, path: str, found: dict[str, Change]) -> dict[str, Any]:
    below = hierarchy.below(path)
    start = f"{path}/" if path else ""
    for key, change in found.items():
        made = key.rpartition("/")[0]
        if made not in hierarchy.nodes and made != path and made.startswith(start):
            model = formats.parse(made, {key: change.new})
            assert model is not None
            below[made[len(start) :]] = model
    return below


def _markers(hierarchy: Hierarchy, wanted: list[Finding], found: dict[str, Change]) -> None:
    for finding in wanted:
        node = hierarchy.nodes[finding.node[1:]]
        assert isinstance(node.model, ArrayModel)
        codec = index_codec(node.model)
        assert codec is not None
        raw, size = read_index(hierarchy.store, finding.key, codec)
        words = np.array(codec.decode(raw))
        words[words[:, 1] == ABSENT] = ABSENT
        whole = bytes(hierarchy.store.get(finding.key).result() or b"")
        index = codec.encode(words)
        new = index + whole[codec.length :] if codec.at_start else whole[: size - codec.length] + index
        found[finding.key] = Change(finding.key, new, [finding])


def make_changes(hierarchy: Hierarchy, wanted: list[Change], *, dry_run: bool) -> list[Repair]:
    """Writes what is to be written: first the backup, then the object.

    Returns:
        what was written, or would be.
    """
    taken = set(hierarchy.keys)
    repairs = []
    for change in wanted:
        backup = ""
        if change.key in taken:
            backup = _free(change.key + BACKUP, taken)
            taken.add(backup)
        if not dry_run:
            if backup:
                hierarchy.store.put(backup, hierarchy.store.get(change.key).result()).result()
            hierarchy.store.put(change.key, change.new).result()
        rules = tuple(dict.fromkeys(finding.rule for finding in change.answers)) or ("consolidated-missing",)
        repairs.append(Repair(change.key, rules, backup))
    return repairs


def delete_left(hierarchy: Hierarchy, findings: Iterable[Finding], *, dry_run: bool) -> list[Repair]:
    """Deletes the files that killed writers left where they were found; they never were objects, so none is kept.

    Returns:
        what was deleted, or would be.
    """
    if not any(finding.rule == LEFT and finding.repairable for finding in findings):
        return []
    left = left_files(hierarchy)
    for path in () if dry_run else left.values():
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return [Repair(key, (LEFT,), "") for key in sorted(left)]


def _free(key: str, taken: set[str]) -> str:
    """A key that nothing has, made from one that should not be lost."""
    names = (key if number == 1 else f"{key}-{number}" for number in range(1, len(taken) + 3))
    return next(name for name in names if name not in taken)
