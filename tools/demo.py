"""The main job on a real file: convert it, look at it, check it, and leave the store to play with.

Run by `make demo`. The file is the climatology of Linke turbidity (how hazy the air is, for each month, everywhere on
earth) that the package pvlib ships: one HDF5 dataset of 2160 x 4320 x 12 cells.
"""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

import zarrite

ROOT = Path(__file__).parent.parent
PROGRAM = Path(sys.executable).parent / "zarrite"
# A part of a shard, a part of a chunk, and an edge: the places where a copy would go wrong.
SLAB = 360


def source() -> Path:
    """The HDF5 file inside the installed package, found without importing that package."""
    found = importlib.util.find_spec("pvlib")
    if found is None or found.origin is None:
        raise SystemExit("the demo needs the data files of pvlib: run it with `make demo`")
    return Path(found.origin).parent / "data" / "LinkeTurbidities.h5"


def show(*words: str) -> None:
    """Runs a zarrite command where the user can see it."""
    print(f"\n$ zarrite {shlex.join(words)}", flush=True)
    subprocess.run([str(PROGRAM), *words], check=True)


def differences(file: Path, store: Path) -> int:
    """How many cells differ between the source, read with h5py, and the store, slab by slab."""
    wrong = 0
    with h5py.File(file) as hdf5:
        for name, dataset in hdf5.items():
            array = zarrite.open_array(str(store), path=name, mode="r")
            assert array.shape == dataset.shape, f"{name} has shape {array.shape}, not {dataset.shape}"
            for start in range(0, dataset.shape[0], SLAB):
                wrong += int(np.count_nonzero(array[start : start + SLAB] != dataset[start : start + SLAB]))
    return wrong


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "demo"
    store = folder / "turbidity.zarr"
    folder.mkdir(parents=True, exist_ok=True)
    local = folder / "turbidity.h5"
    shutil.copyfile(source(), local)

    show("convert", str(local), str(store), "--overwrite", "--verify")
    show("tree", str(store))
    show("info", f"{store}/LinkeTurbidity")
    show("peek", f"{store}/LinkeTurbidity", "900:903,2000:2004,0:12")

    wrong = differences(local, store)
    print(f"\nAgainst the source, read with h5py: {'every cell equal' if not wrong else f'{wrong} cells differ'}")
    print(f"The store stays at {store}. To go on:\n")
    print(f'    {PROGRAM.parent / "python"} -i -c "import zarrite; z = zarrite.open({str(store)!r}); print(z.tree())"')
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
