"""Every script of examples/ says what it needs, and runs, where that is installed, in an empty folder."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.blocks import ROOT, blocks, pages

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
# As PEP 723 has it: the block is TOML behind "# ".
HEADER = re.compile(r"^# /// script$\n((?:^#(?: .*)?$\n)+?)^# ///$", re.MULTILINE)


def told(script: Path) -> dict[str, object]:
    """What the script says about itself."""
    (block,) = HEADER.findall(script.read_text("utf-8"))
    return tomllib.loads("".join(line[2:] + "\n" for line in block.splitlines()))


def imported(script: Path) -> set[str]:
    """The packages that a script imports."""
    tree = ast.parse(script.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)


def test_there_are_some() -> None:
    assert len(SCRIPTS) >= 5


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_says_what_it_needs_and_what_it_does(script: Path) -> None:
    needs = told(script)
    assert needs["requires-python"] == ">=3.11"
    dependencies = needs["dependencies"]
    assert isinstance(dependencies, list)
    assert any(re.match(r"zarrite\b", line) for line in dependencies)
    brought = " ".join(dependencies) + " numpy scipy h5py"
    assert all(name in brought for name in imported(script)), f"{imported(script)} of {dependencies}"
    doc = ast.get_docstring(ast.parse(script.read_text("utf-8")))
    assert doc
    assert doc.split("\n")[0].endswith((".", "`"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_runs(script: Path, in_tmp_path: Path) -> None:
    if "Needs a network" in script.read_text("utf-8"):
        pytest.skip("it reads from a network")
    absent = [name for name in imported(script) if find_spec(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} is not installed")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=300, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_a_page_tells_of_each() -> None:
    told_of = {name for page in pages() for name in re.findall(r"examples/(\w+\.py)", page.read_text("utf-8"))}
    assert told_of == {script.name for script in SCRIPTS}


def test_a_script_that_a_page_shows_is_the_one_that_runs() -> None:
    shown = [block.code for page in pages() for block in blocks(page) if block.code.startswith("# examples/")]
    assert shown
    for code in shown:
        first, _, rest = code.partition("\n")
        assert rest in (ROOT / first.removeprefix("# ")).read_text("utf-8"), first
