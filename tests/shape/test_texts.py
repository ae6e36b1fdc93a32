"""The repository speaks of itself: no path of one machine, no unfinished note, no name in two spellings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXTS = {".py", ".pyi", ".rs", ".toml", ".md", ".yml", ".yaml", ".txt", ".cfg", ".json", ""}
ABSOLUTE = re.compile(r"(?<![\w.:/}$<~])/(?:work|root|home|tmp|Users)/\w")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def texts() -> list[Path]:
    """The text files that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    own = Path(__file__).relative_to(ROOT)
    names = [Path(line) for line in listed.stdout.splitlines()]
    return [ROOT / name for name in names if name.suffix in TEXTS and name != own and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [ABSOLUTE, UNFINISHED], ids=["a path of one machine", "an unfinished note"])
def test_no_text_contains(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_continuous_integration_runs_what_people_run() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make lint", "make test"]


def test_the_readme_names_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        named = set(re.findall(r"^(?:\$ )?make ([\w-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, page.name
