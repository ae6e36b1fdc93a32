"""Arrays that other programs wrote, each with the digest of its cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = 940
"""How many of the 959 arrays are read rightly; a change that loses one is a defect. The rest are of other formats."""


def test_what_other_programs_wrote_is_read_rightly_or_refused(data: Path, tmp_path: Path) -> None:
    tool = data.parent / "tools" / "conformance.py"
    if not tool.exists():
        pytest.skip("no conformance.py beside the data of other writers")
    told = tmp_path / "told.json"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(tool), str(data), "--json", str(told), "--list-failures", "1000"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert told.exists(), done.stderr[-2000:]
    report = json.loads(told.read_text())
    wrong = [failure for failure in report["failures"] if failure[0] == "wrong"]
    assert wrong == [], "cells that are not the writer's: the worst that can happen"
    groups = {name: counts for name, counts in report["tally"].items() if name != "broken on purpose"}
    right = sum(counts.get("right", 0) for counts in groups.values())
    assert right >= RIGHT, "\n".join(" ".join(failure) for failure in report["failures"])
    for _, path, node, why in report["failures"]:
        # A refusal is one of this library's own, in words.
        assert "Error:" in why, (path, node, why)
        assert not why.startswith(("TypeError", "AttributeError", "KeyError", "NameError", "AssertionError")), why
