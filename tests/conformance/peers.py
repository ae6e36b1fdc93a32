"""The other libraries of an interpreter that `ZARRITE_PEERS_PYTHON` names, and the process that speaks for them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PEERS = os.environ.get("ZARRITE_PEERS_PYTHON", "")
LIBRARIES = {"zarr-new": "zarr", "zarrs": "zarrs", "zarrista": "zarrista"}

needs_peers = pytest.mark.skipif(not PEERS, reason="ZARRITE_PEERS_PYTHON names no interpreter with other libraries")


class Peer:
    """A process of the other interpreter that reads and writes what it is told."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("peers_script.py")
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [PEERS, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=clean,
        )

    def ask(self, **task: Any) -> str | None:
        """Does a task; what went wrong, or None."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the peer's process died"
        error = json.loads(line)["error"]
        return None if error is None else str(error)


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer | None]:
    """The process; `None` where no interpreter is named."""
    if not PEERS:
        yield None
        return
    peer = Peer()
    yield peer
    assert peer.process.stdin is not None
    assert peer.process.stdout is not None
    peer.process.stdin.close()
    peer.process.wait(timeout=30)
    peer.process.stdout.close()
