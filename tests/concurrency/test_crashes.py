"""`kill -9` at random moments of a write, an append, a copy, a deletion, a move, an update of attributes, on a disk.

Afterwards each cell and each document is old or new, no node is seen without its chunks, files of writers are no
objects, nobody waits for a lock of the dead, and `zarrite check` names what they left. `ZARRITE_CRASHES=1000` runs the
long form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("ZARRITE_CRASHES", "20"))
SCRIPT = Path(__file__).parent / "crashing.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")


@pytest.mark.parametrize("work", ["write", "append", "copy", "delete", "move", "attributes"])
def test_what_is_killed_leaves_the_old_or_the_new(work: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, work, str(ROUNDS), "7"],
        capture_output=True,
        text=True,
        timeout=60 + ROUNDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rounds"] == ROUNDS
    assert told["killed"] > 0, "nothing was cut short"
