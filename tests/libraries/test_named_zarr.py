"""Libraries that import zarr, run over zarrite by its name: their own code writes and reads.

Each in a process of its own, since one process has one `zarr`; each where the library is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zarrite

PACKAGE = Path(zarrite.__file__).parent.parent
PYTHON = os.environ.get("ZARRITE_SUITES_PYTHON", sys.executable)

ANNDATA = """
import anndata as ad, numpy as np, pandas as pd, scipy.sparse as sp
from anndata.tests.helpers import assert_equal
adata = ad.AnnData(
    X=sp.random(30, 20, 0.2, format="csr", random_state=0).astype("f4"),
    obs=pd.DataFrame({"c": pd.Categorical(list("ab") * 15), "n": range(30)}, index=[f"cell{i}" for i in range(30)]),
    var=pd.DataFrame(index=[f"gene{i}" for i in range(20)]),
    layers={"dense": np.random.default_rng(0).random((30, 20))},
    obsm={"pca": np.random.default_rng(1).random((30, 3))},
    uns={"one": 1, "text": "b", "numbers": np.arange(3), "inner": {"yes": True}},
)
for zarr_format in (2, 3):
    with ad.settings.override(zarr_write_format=zarr_format):
        adata.write_zarr(f"{zarr_format}.zarr")
    assert_equal(ad.read_zarr(f"{zarr_format}.zarr"), adata)
    assert zarr.open_group(f"{zarr_format}.zarr").metadata.zarr_format == zarr_format
"""

OME_ZARR = """
import numpy as np
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr.writer import write_image, write_labels
cells = np.random.default_rng(0).integers(0, 255, (2, 8, 64, 64), dtype="u1")
for version in (FormatV04(), FormatV05()):
    place = f"{version.version}.zarr"
    parse_url(place, mode="w", fmt=version)
    group = zarr.open_group(place, mode="a", zarr_format=version.zarr_format)
    write_image(cells, group, axes="czyx", fmt=version)
    write_labels(cells[0], group, name="cells", axes="zyx", fmt=version)
    image, *others = Reader(parse_url(place))()
    assert np.array_equal(image.data[0].compute(), cells)
    assert len(others) == 2, others
"""

PYDANTIC_ZARR = """
import numpy as np
from pydantic_zarr import v2, v3
for zarr_format, words in ((2, v2), (3, v3)):
    group = zarr.create_group({}, zarr_format=zarr_format, attributes={"title": "a"})
    group.create_array("x/y", shape=(10, 4), chunks=(5, 2), dtype="f4", attributes={"units": "m"})
    said = words.GroupSpec.from_zarr(group)
    assert said.members["x"].members["y"].attributes == {"units": "m"}
    assert words.GroupSpec.from_zarr(said.to_zarr({}, "", overwrite=True)) == said
    made = words.ArraySpec.from_array(np.zeros((3, 3), "i2")).to_zarr({}, "z")
    assert (made.shape, made.dtype) == ((3, 3), np.dtype("i2"))
flat = v3.GroupSpec(attributes={}, members={"a": v3.ArraySpec.from_array(np.zeros((4, 4), "i4"))}).to_flat()
nodes = {path.strip("/"): {k: v for k, v in node.model_dump().items() if k != "members"} for path, node in flat.items()}
made = dict(zarr.create_hierarchy(store=zarr.storage.MemoryStore(), nodes=nodes))
assert made["a"].shape == (4, 4)
"""

SCRIPTS = {"anndata": ANNDATA, "ome_zarr": OME_ZARR, "pydantic_zarr": PYDANTIC_ZARR}


def has(library: str) -> bool:
    if sys.executable == PYTHON:
        return importlib.util.find_spec(library) is not None
    asked = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({library!r}) is None)"
    return subprocess.run([PYTHON, "-c", asked], check=False).returncode == 0


@pytest.mark.parametrize("library", SCRIPTS)
def test_a_library_that_imports_zarr_writes_and_reads(library: str, tmp_path: Path) -> None:
    if not has(library):
        pytest.skip(f"{library} is not installed")
    done = subprocess.run(
        [PYTHON, "-c", "import zarrite; zarrite.install_as_zarr(); import zarr\n" + SCRIPTS[library]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
