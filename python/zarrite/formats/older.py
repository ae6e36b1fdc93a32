"""Layouts from before the formats that are read: told apart, so that nobody takes them for missing or damaged.

Source: format reference 1.12 and 3.1; the Zarr v1 specification.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import MetadataValidationError

DRAFT_ROOT = "zarr.json"
FIRST_ARRAY, FIRST_ATTRIBUTES = "meta", "attrs"

DRAFT = (
    "a draft of format 3 from 2020 to 2022, with documents under meta/root and chunks under data/root, which is not "
    "read; zarr-python 2.13 to 2.18 opens it with ZARR_V3_EXPERIMENTAL_API=1 and can copy it into format 2"
)
FIRST = (
    "an array of format 1, with the documents 'meta' and 'attrs', which is not read; zarr-python 2 can bring it to "
    "format 2 with zarr.storage.migrate_1to2"
)


def older_keys(path: str) -> tuple[str, ...]:
    """The keys to ask for when no document was found, to say what is there instead."""
    prefix = path.strip("/") + "/" if path else ""
    return tuple(dict.fromkeys((prefix + FIRST_ARRAY, DRAFT_ROOT)))


def refuse_older(path: str, documents: Mapping[str, bytes | None]) -> None:
    """Refuses what is known to be of an older layout.

    Raises:
        MetadataValidationError: says what it is, and what reads it.
    """
    first, root = (_members(documents.get(key)) for key in older_keys(path))
    if first.get("zarr_format") == 1 and "shape" in first:
        raise MetadataValidationError(f"node {('/' + path.strip('/'))!r} is {FIRST}")
    if isinstance(root.get("zarr_format"), str):
        raise MetadataValidationError(f"node {('/' + path.strip('/'))!r} is in a hierarchy that is {DRAFT}")


def _members(raw: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(bytes(raw or b"null"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
