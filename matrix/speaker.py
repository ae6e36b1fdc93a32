"""A driver's process: asked line by line, stopped when it takes too long, started again when it dies."""

from __future__ import annotations

import json
import select
import subprocess
import tempfile
from typing import Any

from peers import Absent, Peer

__all__ = ["Died", "Speaker"]

START_S = 60.0
TELLING = ("Check failed", "Error:", "panicked", "Exception", "SIG")
"""What stands in the line of standard error that says why a process died."""


class Died(Exception):
    """The process ended or answered nothing in time, and how."""


class Speaker:
    """One implementation, spoken to.

    Args:
        peer: which one.
        limit_s: how long an answer may take.
    """

    def __init__(self, peer: Peer, limit_s: float = 20.0) -> None:
        self.peer = peer
        self.limit_s = limit_s
        self.version = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def hello(self, *, fetch: bool = True) -> None:
        """Installs and starts it.

        Args:
            fetch: whether it is installed where it is not here.
        Raises:
            Absent: it does not install or does not answer.
        """
        self.peer.install(fetch)
        try:
            answer = self._ask({"verb": "hello"}, START_S)
        except (Died, OSError) as error:
            raise Absent(f"its driver does not start: {error}") from None
        self.version = str(answer["version"])

    def ask(self, task: dict[str, Any]) -> str | None:
        """Does a task; the sentence with which it was refused, or `None` when it was done.

        Raises:
            Died: the process did.
        """
        answer = self._ask(task, self.limit_s)
        return None if answer.get("done") else str(answer.get("refused", "no reason"))

    def close(self) -> None:
        """Ends the process."""
        process = self._process
        if process is not None:
            assert process.stdin is not None
            try:
                process.stdin.close()
                process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self._stop()
        self._complaints.close()

    def _ask(self, task: dict[str, Any], limit_s: float) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                self.peer.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=self.peer.environment(),
                bufsize=0,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            line = b""
            while not line.endswith(b"\n"):
                if not select.select([process.stdout], [], [], limit_s)[0]:
                    self._stop()
                    raise Died(f"no answer within {limit_s:.0f} s")
                more = process.stdout.read(1 << 16)
                if not more:
                    self._stop()
                    raise Died(self._last_words())
                line += more
        except OSError as error:
            self._stop()
            raise Died(f"{error}; {self._last_words()}") from None
        found: dict[str, Any] = json.loads(line)
        return found

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with process:  # waits, and closes its pipes
                pass

    def _last_words(self) -> str:
        self._complaints.seek(0, 2)
        self._complaints.seek(max(0, self._complaints.tell() - 4000))
        said = [line for line in self._complaints.read().decode(errors="replace").splitlines() if line.strip()]
        telling = [line for line in said if any(word in line for word in TELLING)] or said
        return next((line.strip()[:300] for line in reversed(telling)), "the process ended without a word")
