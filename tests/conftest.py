"""What every test may ask for: the files of other writers, an empty folder to run in, and the hypothesis profile."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# The servers that tests talk to: `s3` and `web`.
pytest_plugins = ["conformance.peers", "servers.fixtures"]

# A shell that runs this in the background has the signal ignored, and so would every process that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# `ZARRITE_EXAMPLES=100000 make test` runs the long form of every property.
settings.register_profile(
    "zarrite",
    deadline=None,
    print_blob=True,
    max_examples=int(os.environ.get("ZARRITE_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("zarrite")


def shared_data() -> Path | None:
    """The folder of files that other programs wrote, or None where it is absent."""
    place = Path(os.environ.get("ZARRITE_DATA", ROOT.parent / "shared" / "data"))
    return place if place.is_dir() else None


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of files that other programs wrote; the test is skipped where it is absent."""
    place = shared_data()
    if place is None:
        pytest.skip("no data of other writers: ../shared/data is absent and ZARRITE_DATA names no folder")
    return place


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test runs inside an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
