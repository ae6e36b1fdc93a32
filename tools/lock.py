"""Writes requirements/*.txt: the exact versions that `make` installs, resolved from pyproject.toml.

Run by `make lock`. Each file is a whole closure, so that `--no-deps` installs it and nothing is resolved again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEADER = "# Exact versions, written by `make lock`. Install with --no-deps.\n"
# What each file must hold, as extras of the project: `base` builds and runs, `dev` also tests, checks and documents.
FILES = {"base": ["all"], "dev": ["dev"]}
BUILD = "maturin"


def requirements(extras: list[str]) -> list[str]:
    """The requirements of some extras, with references to other extras of the project followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: list[str] = list(project["dependencies"])
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            inner = line.removeprefix(f"{project['name']}[")
            if inner == line:
                found.append(line)
            else:
                found += requirements(inner.removesuffix("]").split(","))
    return sorted(set(found))


def resolve(wanted: list[str]) -> str:
    """The frozen closure of some requirements, resolved in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        return subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout


def main() -> int:
    for name, extras in FILES.items():
        wanted = requirements(extras)
        if not any(line.startswith(BUILD) for line in wanted):
            wanted.append(BUILD)
        frozen = resolve(wanted)
        (ROOT / "requirements" / f"{name}.txt").write_text(HEADER + frozen)
        print(f"requirements/{name}.txt: {len(frozen.splitlines())} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
