"""The contract of stores, on S3."""

from __future__ import annotations

import pytest

from servers.s3 import Server
from stores.remotes import store_at
from zarrite._engine import Store
from zarrite.testing import StoreContract


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, s3: Server) -> Store:
        return store_at(s3, "")


class TestS3BelowAPrefix(StoreContract):
    @pytest.fixture
    def store(self, s3: Server) -> Store:
        return store_at(s3, "some where/below")


class TestS3WithoutSuffixes(StoreContract):
    @pytest.fixture
    def store(self, s3: Server) -> Store:
        s3.turn(suffix_ranges="refuse")
        return store_at(s3)
