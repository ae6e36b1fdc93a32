"""The command line: `zarrite convert`, `info`, `tree`, `peek` and `check`, one file a command.

Answers go to standard output, progress and complaints to standard error. Every command takes `--json`. The exit code is
0 when all went well, 1 when it did not, 2 for a command that was not understood.
"""

from __future__ import annotations

import sys
from typing import Any

try:
    from zarrite.cli.app import app
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"typer", "rich"}:
        raise
    app: Any = None  # type: ignore[no-redef]

__all__ = ["main"]


def main() -> None:
    """Runs the command that the process was started with."""
    if app is None:
        print("zarrite: the command line needs typer and rich; pip install 'zarrite[cli]'", file=sys.stderr)
        sys.exit(1)
    app()
