"""If-Match and its like, of reads and of writes."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from servers.objects import Stored
from servers.refusals import RefusalError


def _names(header: str, etag: str) -> bool:
    """Whether a list of entity tags, with quotes or without, holds one."""
    bare = etag.strip('"')
    return any(each.strip().removeprefix("W/").strip('"') in {"*", bare} for each in header.split(","))


def _since(header: str) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None


def check_read(headers: dict[str, str], stored: Stored, prefix: str = "") -> None:
    """Refuses a read whose condition does not hold: 412, or 304 where the reader has the object already.

    Args:
        headers: of the request.
        stored: what would be answered.
        prefix: of the names of the headers: those of a copy's source have one.
    """
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    modified, unmodified = headers.get(f"{prefix}if-modified-since"), headers.get(f"{prefix}if-unmodified-since")
    whole = int(stored.modified)
    if match is not None:
        if not _names(match, stored.etag):
            raise RefusalError("PreconditionFailed", Condition="If-Match")
    elif unmodified is not None and (since := _since(unmodified)) is not None and whole > since:
        raise RefusalError("PreconditionFailed", Condition="If-Unmodified-Since")
    unchanged = False
    if none_match is not None:
        unchanged = _names(none_match, stored.etag)
    elif modified is not None and (since := _since(modified)) is not None:
        unchanged = whole <= since
    if unchanged:
        when = "".join(stored.head.splitlines(keepends=True)[:2])  # ETag and Last-Modified
        raise RefusalError("PreconditionFailed" if prefix else "NotModified", headers="" if prefix else when)


def check_write(headers: dict[str, str], there: Stored | None, setting: str) -> None:
    """Refuses a write whose condition does not hold.

    Args:
        headers: of the request.
        there: the object that would be replaced.
        setting: the knob `conditional_puts`.
    """
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if (match is None and none_match is None) or setting == "ignore":
        return
    if setting == "refuse" or (none_match is not None and none_match.strip() != "*"):
        raise RefusalError("NotImplemented", Header="If-Match" if none_match is None else "If-None-Match")
    if none_match is not None and there is not None:
        raise RefusalError("PreconditionFailed", Condition="If-None-Match")
    if match is not None:
        if there is None:
            raise RefusalError("NoSuchKey")
        if not _names(match, there.etag):
            raise RefusalError("PreconditionFailed", Condition="If-Match")
