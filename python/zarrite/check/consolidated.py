"""Consolidated metadata against the documents it repeats."""

from __future__ import annotations

from collections.abc import Iterator

from zarrite.check.findings import ERROR, WARNING, Finding
from zarrite.check.walk import Hierarchy
from zarrite.formats.stale import Stale, consolidated_key, stale_copies

__all__ = ["check_consolidated"]

MOST_NAMED = 5


def check_consolidated(hierarchy: Hierarchy) -> Iterator[Finding]:
    """The groups whose copies are not what they are copies of."""
    for node, model in hierarchy.groups():
        found = stale_copies(model, hierarchy.below(node.path))
        for how, severity, saying in SAYINGS:
            stale = [one for one in found if one.how == how]
            if stale:
                yield node.found(
                    severity,
                    consolidated_key(node.path, model),
                    f"consolidated-{how}",
                    f"the consolidated metadata {saying}: {_names(stale)}",
                    "consolidate again, or remove the consolidated metadata",
                    repairable=True,
                )


SAYINGS = (
    ("differs", ERROR, "says otherwise than the documents of these members"),
    ("gone", ERROR, "has members that are no longer there"),
    ("missing", WARNING, "lacks members that are there, or has copies of them that cannot be read"),
)


def _names(stale: list[Stale]) -> str:
    some = [f"{one.path} ({', '.join(one.what)})" if one.what else one.path for one in stale[:MOST_NAMED]]
    more = len(stale) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")
