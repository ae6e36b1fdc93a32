"""Tables that are written from the program say what the program does."""

from __future__ import annotations

import subprocess
import sys

from docs.blocks import ROOT


def test_the_tables_of_the_documentation_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/tables.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
