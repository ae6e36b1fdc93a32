"""What tests ask for: `s3`, a fresh server for each test; `web`, the same as a plain web server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.s3 import Server


@pytest.fixture
def s3() -> Iterator[Server]:
    """An S3 server in a thread: `s3.url`, `s3.bucket`, knobs and ledger."""
    with Server() as server:
        yield server


@pytest.fixture
def web() -> Iterator[Server]:
    """A plain web server in a thread; `web.write` gives it files."""
    with Server(plain=True) as server:
        yield server
