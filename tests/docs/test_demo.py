"""`make demo` does what the README says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import ROOT


@pytest.mark.skipif(importlib.util.find_spec("pvlib") is None, reason="requirements/demo.txt is not installed")
def test_the_demo_converts_a_real_file_and_checks_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "demo.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every cell equal" in done.stdout
