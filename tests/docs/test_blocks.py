"""Every code block of README.md, CONTRIBUTING.md and docs/ runs.

The blocks of one page run from top to bottom in one namespace and one empty folder. `python` blocks are executed, or
compared with what they show when they are written with `>>>`. The `zarrite` lines of `sh` blocks run as commands; other
commands of those blocks (make, pip, git, cargo) are for people.
"""

from __future__ import annotations

import doctest
import importlib.util
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.blocks import ROOT, Block, blocks, pages

RUN = {"python", "sh"}
SHOWN = {"", "text", "toml", "rust", "json", "mermaid"}
FOR_PEOPLE = {"make", "pip", "git", "cargo", "cd", "python", "."}


def run_python(page: Path, block: Block, names: dict[str, Any]) -> None:
    """Executes a block, or compares it with what it shows."""
    where = f"{page.relative_to(ROOT)}:{block.line}"
    if not block.code.lstrip().startswith(">>>"):
        # Empty lines in front make a traceback show the line of the page.
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.code, {}, where, str(page), block.line - 1)
    test.globs = names
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)


def run_shell(page: Path, block: Block) -> None:
    """Runs the `zarrite` commands of a block."""
    program = Path(sys.executable).parent / "zarrite"
    for number, line in enumerate(block.code.replace("\\\n", " ").splitlines()):
        words = shlex.split(line, comments=True)
        if not words or words[0] in FOR_PEOPLE:
            continue
        assert words[0] == "zarrite", f"{page.name}:{block.line + number}: what is {words[0]}?"
        command = [str(program)] if program.exists() else [sys.executable, "-m", "zarrite.cli"]
        done = subprocess.run([*command, *words[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{page.name}:{block.line + number}: {line}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page: Path, in_tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.needs is not None and importlib.util.find_spec(block.needs) is None:
            continue
        if block.language == "python":
            run_python(page, block, names)
        elif block.language == "sh":
            run_shell(page, block)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_languages_that_the_tests_know(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= RUN | SHOWN


def test_the_first_example_of_the_readme_has_at_most_twelve_lines() -> None:
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "python")
    assert len(first.code.splitlines()) <= 12


@pytest.mark.skipif(
    shutil.which("mkdocs", path=str(Path(sys.executable).parent)) is None, reason="mkdocs is not installed"
)
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").exists()
