"""The Range header of one request, as S3 reads it."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class UnsatisfiableError(ValueError):
    """The range lies outside the object."""


def span_of(header: str, size: int, suffixes: str) -> tuple[int, int] | None:
    """First byte and end of the range, or None where the whole object is the answer.

    Several ranges and what is no range are passed over, as S3 does.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        if suffixes == "whole":
            return None
        if suffixes == "refuse" or not int(last) or not size:
            raise UnsatisfiableError(header)
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError(header)
    return int(first), min(int(last) + 1, size) if last else size
