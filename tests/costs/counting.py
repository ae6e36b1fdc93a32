"""What is counted: requests to a store, calls in Python, bytes held."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zarrite import _engine

ROOT = Path(__file__).parent.parent.parent

Request = tuple[str, str] | tuple[str, str, int | None, int | None]


class Ledger:
    """A store that remembers what was asked of it."""

    def __init__(self, inner: Any = None) -> None:
        self.store = _engine.recorded_store(_engine.memory_store() if inner is None else inner)

    def of(self, work: Callable[[], Any]) -> list[Request]:
        """The requests that some work makes, in order for one thread, without the ranges where there are none."""
        _engine.recorded(self.store)
        work()
        return [one[:2] if one[2:] == (None, None) else one for one in _engine.recorded(self.store)]


def python_calls(work: Callable[[], Any]) -> int:
    """How many Python functions are called by some work, built-in ones included."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    # What other tests left to the collector is not this work's.
    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


def peak_growth(setup: str, work: str) -> int:
    """By how many bytes some work raises the most memory a fresh process ever held."""
    script = (
        "import resource, sys\n"
        + textwrap.dedent(setup)
        + textwrap.dedent(
            """
            def high_water():
                for line in open("/proc/self/status"):
                    if line.startswith("VmHWM"):
                        return int(line.split()[1]) * 1024
            open("/proc/self/clear_refs", "w").write("5")
            before = high_water()
            """
        )
        + textwrap.dedent(work)
        + "\nprint(high_water() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])
