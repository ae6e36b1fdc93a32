"""Arrays as zarr-python's own strategies draw them, written by one library and read by the other."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import zarrite
from conformance.peers import PEERS, needs_peers

SCRIPT = Path(__file__).parent / "cross_fuzz.py"
EXAMPLES = os.environ.get("ZARRITE_EXAMPLES", "60")
WAYS = ("zarr-python writes, zarrite reads", "zarrite writes, zarr-python reads")


@needs_peers
def test_what_zarr_python_draws_is_read_and_written_alike_both_ways() -> None:
    asked = [PEERS, "-c", "import hypothesis, zarr.testing.strategies as drawn; drawn.sharded_arrays"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("hypothesis or zarr-python 3.4 is not installed there")
    package = Path(zarrite.__file__).parent.parent
    done = subprocess.run(
        [PEERS, str(SCRIPT), EXAMPLES],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    tried = json.loads(done.stdout.splitlines()[-1])
    assert all(tried[way] >= int(EXAMPLES) for way in WAYS), tried
