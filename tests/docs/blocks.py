"""Reads the code blocks of a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(
    r"(?:^<!-- needs (?P<needs>\w+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<rest>[^\n]*)\n(?P<code>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it starts on, and the optional package that it needs.

    A line `<!-- needs package -->` above a block names the package.
    """

    language: str
    code: str
    line: int
    needs: str | None = None


def pages() -> list[Path]:
    """The pages whose blocks run: what stands at the root and everything below docs/."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    return [page for page in [*top, *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        indent = len(found["indent"])
        code = "".join(line[indent:] for line in found["code"].splitlines(keepends=True))
        yield Block(found["language"], code, text.count("\n", 0, found.start("language")) + 2, found["needs"])
