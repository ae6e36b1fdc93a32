"""Checks that a tag names the version of the code, and that the changelog has it: `python tools/tag.py v1.2.3`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problem(tag: str) -> str:
    """What is wrong with a tag; "" where nothing is."""
    version = tomllib.loads((ROOT / "Cargo.toml").read_text("utf-8"))["workspace"]["package"]["version"]
    if tag != f"v{version}":
        return f"the tag is {tag} and Cargo.toml says {version}: the tag of it is v{version}"
    if not re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        return f"CHANGELOG.md has no section '## {version}': give what is unreleased that name"
    return ""


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]) or 0)
