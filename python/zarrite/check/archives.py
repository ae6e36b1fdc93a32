"""Zip archives: names that stand in them twice."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote, urlparse

from zarrite.check.findings import ERROR, Finding
from zarrite.check.walk import Hierarchy

__all__ = ["check_archive"]

MOST_NAMED = 3


def check_archive(hierarchy: Hierarchy) -> Iterator[Finding]:
    """Members of a zip archive that have one name: some readers take the first and some the last."""
    url = urlparse(hierarchy.store.url)
    path = unquote(url.path)
    if url.scheme != "zip" or not os.path.isfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        counts = Counter(archive.namelist())
    double = sorted(name for name, count in counts.items() if count > 1)
    if double:
        more = len(double) - MOST_NAMED
        names = ", ".join(double[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield Finding(
            ERROR,
            "/",
            double[0],
            "archive-double",
            f"{len(double)} names stand in the archive twice, and readers differ in which one they take: {names}",
            "write the archive anew with the last of each, which is the one read here",
        )
