"""Names that no node may have: those that keys of documents end with, and those that lead elsewhere."""

from __future__ import annotations

from ..errors import KeyRefusedError
from . import v2, v3

RESERVED = frozenset((v3.NAME, v2.ARRAY_NAME, v2.GROUP_NAME, v2.ATTRIBUTES_NAME, v2.CONSOLIDATED_NAME))


def check_names(path: str) -> None:
    """Refuses to make a node whose documents could not be told from those of another.

    Raises:
        KeyRefusedError: a part of the path is the name of a document, or nothing but periods.

    Example:
        >>> check_names("ocean/air")
    """
    for part in path.split("/"):
        if part in RESERVED:
            raise KeyRefusedError(path, f"{part!r} is the name of a document; give the node another name")
        if part and not part.strip("."):
            raise KeyRefusedError(path, "a name is more than periods; give the node another name")
