"""Measures zarrite beside other libraries and writes the tables that README.md and docs/performance.md show.

Run by `make bench`; what is in ARGS goes to the comparison. That is a script outside the repository, `peers.py`
(with `limit.c`, the floor below every library). It is looked for in the folder that ZARRITE_BENCH names, else in
../shared/bench. It needs CPython 3.12 or newer, as zarr-python 3.4 does; BENCH_PYTHON names an interpreter when none is
found.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import remote
import table

import caches
import formats
import libraries

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
TORCH = "torch==2.15.0"
NEEDED_GB = 6


def run(*words: str | Path, **environment: str) -> None:
    """Runs a command and stops with it when it fails."""
    subprocess.run([str(word) for word in words], check=True, cwd=ROOT, env={**os.environ, **environment})


def comparison() -> Path:
    """The folder of peers.py."""
    folder = Path(os.environ.get("ZARRITE_BENCH", ROOT.parent / "shared" / "bench"))
    if not (folder / "peers.py").exists():
        raise SystemExit(f"no peers.py in {folder}; name its folder with ZARRITE_BENCH")
    return folder


def interpreter() -> str:
    """A CPython of version 3.12 or newer."""
    named = [os.environ.get("BENCH_PYTHON"), *(shutil.which(f"python3.{minor}") for minor in (13, 12, 14))]
    for python in [*named, sys.executable]:
        if python is None:
            continue
        # A name on the path may be a shim of a version manager that has no such version: ask it.
        asked = subprocess.run(
            [python, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"], check=False, capture_output=True
        )
        if asked.returncode == 0:
            return python
    raise SystemExit("no CPython 3.12 or newer was found; name one with BENCH_PYTHON")


def environment(folder: Path, requirements: Path) -> Path:
    """The interpreter of an environment that holds exact versions."""
    python = folder / "bin" / "python"
    if not python.exists():
        run(interpreter(), "-m", "venv", folder)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", requirements)
    return python


def with_ours(python: Path) -> Path:
    """The same interpreter, with this working tree's wheel in its environment."""
    wheels = RESULTS / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    run(Path(sys.executable).parent / "maturin", "build", "--release", "--locked", "--quiet", "--out", wheels)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", *wheels.glob("*.whl"))
    return python


def with_torch(folder: Path) -> Path:
    """An environment that has PyTorch, with all that it brings, beside the libraries."""
    python = environment(folder, REQUIREMENTS)
    run(python, "-m", "pip", "install", "--quiet", TORCH)
    return with_ours(python)


def floor(folder: Path) -> Path | None:
    """The compiled limit.c, or None where it or a compiler or its libraries are missing."""
    binary = RESULTS / "limit"
    source = folder / "limit.c"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not source.exists() or compiler is None:
        return None
    command = [compiler, "-O3", "-march=native", str(source), "-lzstd", "-lblosc", "-lpthread", "-o", str(binary)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode:
        print(f"limit.c was not built, its column stays empty:\n{built.stderr}", file=sys.stderr)
        return None
    return binary


def tools() -> Path:
    """The folder of the server and the bare client of `remote.py`."""
    run("cargo", "build", "--release", "--locked", "--quiet", "--package", "zarrite-engine", "--examples")
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples"


def place() -> Path:
    """A folder on a tmpfs with room for the stores, else a temporary one: a disk is measured with the library."""
    memory = Path("/dev/shm")  # noqa: S108  (the tmpfs itself is what is wanted)
    if memory.is_dir() and shutil.disk_usage(memory).free > NEEDED_GB << 30:
        return memory / "zarrite-bench"
    print("no tmpfs with enough room: the disk is measured too", file=sys.stderr)
    return Path(tempfile.gettempdir()) / "zarrite-bench"


def machine() -> str:
    """The machine in a few words: processor, cores, memory."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--keep", action="store_true", help="leave the stores on the tmpfs for the next run")
    words.add_argument(
        "--partial", action="store_true", help="print the results and leave README.md and docs/ as they are"
    )
    words.add_argument("--torch", action="store_true", help="loaders of PyTorch too, which is some GB to install")
    words.add_argument(
        "--written-gib", type=float, default=0.5, help="how much datasets of xarray hold that are written"
    )
    options, passed = words.parse_known_args()
    folder = comparison()
    RESULTS.mkdir(parents=True, exist_ok=True)
    python = with_ours(environment(RESULTS / "venv", REQUIREMENTS))
    zarr2 = environment(RESULTS / "venv-zarr2", ROOT / "bench" / "requirements-zarr2.txt")
    torch = with_torch(RESULTS / "venv-torch") if options.torch else None
    limit, root = floor(folder), place()
    output = RESULTS / "peers.json"
    command: list[str | Path] = [python, folder / "peers.py", "--root", root, "--json", output, *passed]
    try:
        if limit:
            command += ["--limit", limit]
        run(*command)
        pythons = {table.OURS: python, "zarr": python, "zarr2": zarr2}
        others = formats.compare(pythons, root / "formats", rounds=1, repetitions=3)
        network = remote.compare(python, tools(), remote.LATENCIES, remote.ROWS, remote.LIBRARIES, repetitions=3)
        again = caches.compare({table.OURS: python, "zarr": python}, root / "caches", rounds=3, repetitions=3)
        above = libraries.compare(python, torch, root / "libraries", gib=options.written_gib)
    finally:
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "python": subprocess.run([python, "-VV"], check=True, capture_output=True, text=True)
        .stdout.split("(")[0]
        .strip(),
        "versions": table.versions(REQUIREMENTS),
    }
    table.record(output, facts, formats=others, remote=network, caches=again, libraries=above)
    if not options.partial:
        table.publish(output, ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
