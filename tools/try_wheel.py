"""Installs wheels and source distributions, each in an empty environment, and tries them there.

`python tools/try_wheel.py dist/*.whl dist/*.tar.gz`; `--tests tests/array tests/group` also runs those tests with what
was installed. Each environment holds the distribution and NumPy, and what the tests need, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST_TOOLS = ("pytest>=8", "hypothesis>=6.100", "pytest-randomly>=3.16")

# Runs in the environment, in an empty folder: what is imported is what was installed.
TRIAL = """
import asyncio, importlib.metadata as metadata, pathlib, sys
import numpy as np
import zarrite

assert "site-packages" in zarrite.__file__, zarrite.__file__
assert not set(sys.modules) & {"xarray", "zarr", "dask", "fsspec", "h5py", "rich", "typer"}
assert metadata.version("zarrite") == zarrite.__version__

cells = np.arange(60 * 40, dtype="float32").reshape(60, 40)
for number, codecs in ((2, "auto"), (3, "auto"), (3, zarrite.codecs.BloscCodec(cname="lz4"))):
    array = zarrite.create_array(
        f"a{number}.zarr", data=cells, chunks=(10, 10), zarr_format=number, compressors=codecs, overwrite=True
    )
    again = zarrite.open_array(f"a{number}.zarr", mode="r")
    assert np.array_equal(again[...], cells) and again[7, 3] == cells[7, 3]
sharded = zarrite.create_array("s.zarr", data=cells, chunks=(5, 5), shards=(30, 20))
sharded[3:8, 2:31] = 7
cells[3:8, 2:31] = 7
assert np.array_equal(asyncio.run(zarrite.open_array("s.zarr", mode="r").read.aio()), cells)
group = zarrite.open_group("g.zarr", mode="w")
group.create_array("deep/air", data=cells).attrs["units"] = "m"
zarrite.pack("g.zarr", "g.zip")
assert zarrite.open("g.zip", mode="r")["deep/air"].attrs["units"] == "m"

files = {str(file) for file in metadata.files("zarrite")}
assert any(name.endswith("licenses/LICENSE-MIT") for name in files)
assert any(name.endswith("licenses/LICENSE-APACHE") for name in files)
assert any(name.endswith(".cyclonedx.json") for name in files), "no bill of materials"
assert "zarrite/py.typed" in files and "zarrite/_engine.pyi" in files
print("zarrite", zarrite.__version__, "on", sys.version.split()[0], pathlib.Path(zarrite._engine.__file__).name)
"""

# Without the extra `cli` the command says what it needs.
COMMAND = """
import subprocess, sys
done = subprocess.run([sys.executable, "-m", "zarrite.cli", "tree", "g.zarr"], capture_output=True, text=True)
assert done.returncode == 1 and "pip install 'zarrite[cli]'" in done.stderr and "Traceback" not in done.stderr, done
"""


def run(*words: object, folder: str) -> None:
    """Runs a command that must succeed, in a folder, with nothing of this environment in its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run([str(word) for word in words], cwd=folder, env=kept, check=True)


def try_one(distribution: Path, tests: list[Path]) -> None:
    """Makes an environment, installs one distribution there, and tries it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder, "env"), with_pip=True)
        python = Path(folder, "env", "Scripts" if os.name == "nt" else "bin", "python")
        install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*install, distribution.resolve(), folder=folder)
        run(python, "-I", "-c", TRIAL, folder=folder)
        run(python, "-I", "-c", COMMAND, folder=folder)
        run(*install, f"{distribution.resolve()}[cli]", folder=folder)
        run(python, "-I", "-m", "zarrite.cli", "tree", "g.zarr", folder=folder)
        if tests:
            run(*install, *TEST_TOOLS, folder=folder)
            run(python, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", *tests, folder=folder)


def main() -> None:
    """Tries every distribution that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("distributions", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", type=Path, default=[], help="files or folders of tests to run there")
    asked = parser.parse_args()
    for distribution in asked.distributions:
        print(distribution.name, flush=True)
        try_one(distribution, [test.resolve() for test in asked.tests])


if __name__ == "__main__":
    main()
