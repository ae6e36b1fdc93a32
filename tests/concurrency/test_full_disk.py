"""A full disk is an error that says so, and nothing half is on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "filling.py"


def mounting(folder: Path, *command: str) -> list[str]:
    """A command that runs where a small disk lies at a folder, for it alone."""
    return ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"', str(folder), *command]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare to mount a small disk with")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    if subprocess.run(mounting(tmp_path, "true"), capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk may be mounted here")
    done = subprocess.run(
        mounting(tmp_path, sys.executable, str(SCRIPT), str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
