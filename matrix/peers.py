"""The implementations that are compared: how each is installed, outside the repository, and how its driver is started.

They live in the folder that ZARRITE_MATRIX names, else in target/matrix. What does not install is left out, with the
reason on the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ELSEWHERE", "PEERS", "Absent", "Peer", "home"]

ROOT = Path(__file__).parent.parent
DRIVERS = Path(__file__).parent / "drivers"
BENCH = ROOT / "bench"
INSTALL_S = 900
NOT_HERE = "it is not installed"


class Absent(Exception):
    """An implementation that is not here, and why."""


def home() -> Path:
    """Where the implementations live."""
    return Path(os.environ.get("ZARRITE_MATRIX", ROOT / "target" / "matrix"))


def run(*words: str | Path, cwd: Path | None = None) -> None:
    """Runs a command of an installation.

    Raises:
        Absent: it fails; the last line it wrote says why.
    """
    try:
        done = subprocess.run(
            [str(word) for word in words], cwd=cwd, check=False, capture_output=True, text=True, timeout=INSTALL_S
        )
    except FileNotFoundError:
        raise Absent(f"{words[0]} is not on the path") from None
    except subprocess.TimeoutExpired:
        raise Absent(f"{Path(words[0]).name} took more than {INSTALL_S} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no word"]
        raise Absent(f"{Path(words[0]).name} failed: {said[-1][:200]}")


def interpreter(minor: int) -> str:
    """A CPython of at least version 3.`minor`: the one that MATRIX_PYTHON names, or what is found."""
    for name in (
        os.environ.get("MATRIX_PYTHON"),
        sys.executable,
        *(shutil.which(f"python3.{number}") for number in (12, 13, 14, 11)),
    ):
        # A name on the path may be a shim of a version manager that has no such version: ask it.
        asked = f"import sys; sys.exit(not (3, {minor}) <= sys.version_info < (3, 15))"
        if name and subprocess.run([name, "-c", asked], check=False, capture_output=True).returncode == 0:
            return str(name)
    raise Absent(f"no CPython 3.{minor} or newer was found; MATRIX_PYTHON names one")


@dataclass(frozen=True)
class Peer:
    """An implementation.

    Attributes:
        name: what the page calls it.
        language: what it is written in.
        formats: the formats it knows.
        command: the words that start its driver, once it is installed.
        install: what makes it be there, or only looks whether it is when told not to fetch; raises `Absent`.
        note: what must be known of how it is here.
    """

    name: str
    language: str
    formats: tuple[str, ...]
    command: Callable[[], list[str]]
    install: Callable[[bool], None] = field(default=lambda _fetch: None)
    note: str = ""

    def environment(self) -> dict[str, str]:
        """The process's environment: nobody but zarrite sees zarrite."""
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if self.name == "zarrite":
            clean["PYTHONPATH"] = str(ROOT / "python")
        return clean


def python(folder: str, script: str, *words: str) -> Callable[[], list[str]]:
    """A driver in Python, in an environment of its own."""
    return lambda: [str(home() / folder / "bin" / "python"), str(DRIVERS / script), *words]


def environment(folder: str, minor: int, requirements: Path, module: str) -> Callable[[bool], None]:
    """Makes an environment of exact versions, unless it is there."""

    def install(fetch: bool) -> None:
        inside = home() / folder / "bin" / "python"
        asked = [str(inside), "-c", f"import {module}"]
        if inside.exists() and subprocess.run(asked, check=False, capture_output=True).returncode == 0:
            return
        if not fetch:
            raise Absent(NOT_HERE)
        run(interpreter(minor), "-m", "venv", "--clear", home() / folder)
        run(inside, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", requirements)
        run(*asked)

    return install


def packages_of_node(fetch: bool) -> None:
    """Installs what package.json names."""
    folder = home() / "node"
    wanted = (DRIVERS / "package.json").read_text()
    there = folder / "package.json"
    if there.exists() and there.read_text() == wanted and (folder / "node_modules" / "zarrita").exists():
        return
    if not fetch:
        raise Absent(NOT_HERE)
    folder.mkdir(parents=True, exist_ok=True)
    there.write_text(wanted)
    run("npm", "install", "--no-audit", "--no-fund", "--silent", cwd=folder)


def packages_of_java(fetch: bool) -> None:
    """Fetches what pom.xml names, and keeps the class path."""
    folder = home() / "java"
    wanted = (DRIVERS / "pom.xml").read_text()
    there = folder / "pom.xml"
    if there.exists() and there.read_text() == wanted and class_path().exists():
        return
    if not fetch:
        raise Absent(NOT_HERE)
    folder.mkdir(parents=True, exist_ok=True)
    there.write_text(wanted)
    run("mvn", "-q", "-B", "dependency:build-classpath", f"-Dmdep.outputFile={class_path()}", cwd=folder)


def class_path() -> Path:
    """The file that has Java's class path."""
    return home() / "java" / "classpath"


def java() -> list[str]:
    """A driver in Java, run from its source."""
    packages = class_path().read_text().strip()
    versions = [re.search(rf"{name}-([\d.]+)\.jar", packages) for name in ("zarr-java", "cdm")]
    told = " with cdm ".join(found[1] for found in versions if found)
    return ["java", "-cp", packages, str(DRIVERS / "Zarr.java"), told]


ZARR = ("v3", "v2")
NEW = environment("python", 12, BENCH / "requirements.txt", "zarr, tensorstore, zarrista")
OTHERS = environment("python-others", 12, DRIVERS / "requirements.txt", "rasterio, netCDF4, z5py")
OLD = environment("python-zarr2", 11, BENCH / "requirements-zarr2.txt", "zarr")

PEERS: tuple[Peer, ...] = (
    Peer("zarrite", "Rust, Python", (*ZARR, "n5"), lambda: [sys.executable, str(DRIVERS / "python_zarrite.py")]),
    Peer("zarr-python 3", "Python", ZARR, python("python", "python_zarr.py"), NEW),
    Peer("zarr-python 3 with zarrs", "Rust, Python", ZARR, python("python", "python_zarr.py", "zarrs"), NEW),
    Peer("zarr-python 2", "Python", ("v2", "n5"), python("python-zarr2", "python_zarr2.py"), OLD),
    Peer("tensorstore", "C++", (*ZARR, "n5"), python("python", "python_tensorstore.py"), NEW),
    Peer("zarrista", "Rust", ZARR, python("python", "python_zarrista.py"), NEW),
    Peer(
        "zarrita.js",
        "JavaScript",
        ZARR,
        lambda: ["node", str(DRIVERS / "zarrita.mjs"), str(home() / "node")],
        packages_of_node,
    ),
    Peer(
        "zarr-java",
        "Java",
        ZARR,
        java,
        packages_of_java,
        "the `edu.ucar:cdm-core` that it asks for is not in Maven Central; with the older `cdm` in its place it knows "
        "no unsigned integers and cannot turn some bytes",
    ),
    Peer("GDAL", "C++", ZARR, python("python-others", "python_gdal.py"), OTHERS),
    Peer("netCDF-C", "C", ("v2",), python("python-others", "python_netcdf.py"), OTHERS),
    Peer("z5py", "C++", (*ZARR, "n5"), python("python-others", "python_z5py.py"), OTHERS),
)
"""Every implementation, the project's own first."""

ELSEWHERE = {
    "N5 (Java), n5-zarr": "not in Maven Central, but in a repository of their own",
}
"""Implementations that do not install from the package registries that `make` uses, and why."""
