"""The check as a whole."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from zarrite.check.archives import check_archive
from zarrite.check.chunks import check_chunks, check_presence
from zarrite.check.consolidated import check_consolidated
from zarrite.check.documents import check_documents
from zarrite.check.findings import Checked, Finding, sort_key
from zarrite.check.orphans import LEFT, check_orphans
from zarrite.check.repair import changes, delete_left, make_changes
from zarrite.check.shards import check_shards
from zarrite.check.walk import walk
from zarrite.check.writers import check_writers
from zarrite.progress import Progress, reporter
from zarrite.stores import is_ours_to_close, resolve

__all__ = ["check"]

QUICK = (
    check_documents,
    check_presence,
    check_shards,
    check_writers,
    check_orphans,
    check_consolidated,
    check_archive,
)
"""What is always looked for, and needs no chunk to be decoded."""


def check(
    store: Any,
    *,
    path: str | None = None,
    chunks: bool = False,
    sample: int | None = None,
    repair: bool = False,
    dry_run: bool = False,
    progress: Progress | str | bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Checked:
    """Checks a hierarchy: documents, chunks, indexes of shards, orphans, consolidated metadata, known writers.

    Reading forgives much; this does not. Documents are held against the letter of the specification, and what stands
    in the store against the documents. Nothing is changed without `repair`, and nothing that would need a guess is
    changed at all.

    Args:
        store: a path, URL, zip archive or store.
        path: path of the node inside the store; everything below it is checked, too.
        chunks: decode every stored chunk.
        sample: decode this many stored objects of each array, chosen at random and always the same.
        repair: put right what can be put right without guessing. Each object that changes is kept first, beside it,
            under its key with `.before-repair` behind it.
        dry_run: with `repair`: only say what would be written.
        progress: a callable, or "auto", "bars", "json", "silent"; see `zarrite.progress`.
        storage_options: options of remote stores.

    Returns:
        what was found, and what was put right; findings that were put right are no longer among the findings.

    Raises:
        NodeNotFoundError: there is no node (a `FileNotFoundError` and `ValueError`).
        ReadOnlyError, UrlError: a repair of a place that cannot be written, such as a web server (a `ValueError`).
        ValueError: a sample of less than one object.

    Example:
        >>> import zarrite
        >>> store = {}
        >>> array = zarrite.create_array(store, shape=(4,), chunks=(2,), dtype="i4")
        >>> array[...] = 1
        >>> zarrite.check(store, chunks=True).is_clean
        True
        >>> store["c/1"] = b"no chunk"
        >>> zarrite.check(store, chunks=True).findings[0].rule
        'chunk-damaged'
    """
    if sample is not None and (isinstance(sample, bool) or sample < 1):
        raise ValueError(f"a sample has at least one object, not {sample!r}; leave it out to decode none")
    started = time.monotonic()
    place, inside = resolve(store, path, writes=repair and not dry_run, storage_options=storage_options)
    closes = is_ours_to_close(store, place)
    hierarchy = walk(place, inside)
    findings: list[Finding] = [finding for rule in QUICK for finding in rule(hierarchy)]
    counted: list[int] = []
    if chunks or sample is not None:
        findings += check_chunks(hierarchy, None if chunks else sample, reporter(progress), counted)
    repairs = []
    if repair:
        wanted = changes(hierarchy, findings)
        repairs = make_changes(hierarchy, wanted, dry_run=dry_run)
        deleted = delete_left(hierarchy, findings, dry_run=dry_run)
        repairs += deleted
        if closes:
            place.close()
        if not dry_run:
            answered = {finding for change in wanted for finding in change.answers}
            answered.update(one for one in findings if deleted and one.rule == LEFT and one.repairable)
            findings = [finding for finding in findings if finding not in answered]
    return Checked(
        place=os.fspath(store) if isinstance(store, str | os.PathLike) else place.url,
        findings=tuple(sorted(findings, key=sort_key)),
        groups=len(hierarchy.groups()),
        arrays=len(hierarchy.arrays()),
        objects=len(hierarchy.keys),
        chunks=sum(len(node.chunks) for node in hierarchy.nodes.values()),
        chunks_read=len(counted),
        repairs=tuple(repairs),
        dry_run=dry_run,
        seconds=time.monotonic() - started,
    )
