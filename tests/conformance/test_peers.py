"""Round trips with the libraries of another interpreter: zarr-python 3.4, zarrs, zarrista.

`ZARRITE_PEERS_PYTHON` names an interpreter that has them; without it these tests are skipped.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strategies
import zarrite
from conformance.cases import CASES, Case
from conformance.peers import LIBRARIES, PEERS, Peer, needs_peers

pytestmark = needs_peers


@pytest.fixture(scope="module")
def installed() -> frozenset[str]:
    """Which of the libraries the interpreter has."""
    found = set()
    for library, module in LIBRARIES.items():
        if subprocess.run([PEERS, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0:
            found.add(library)
    return frozenset(found)


def pairs(do: str) -> list[Any]:
    """Every library with every array it knows."""
    return [
        pytest.param(library, case, id=f"{library}: {case.name}")
        for library in LIBRARIES
        for case in CASES.values()
        if case.knows(library, do)
    ]


@pytest.mark.parametrize(("library", "case"), pairs("read"))
def test_a_peer_reads_what_we_wrote(
    peer: Peer, installed: frozenset[str], tmp_path: Path, library: str, case: Case
) -> None:
    if library not in installed:
        pytest.skip(f"{library} is not installed there")
    array, cells = case.make(tmp_path / "a")
    kept = tmp_path / "cells.npy"
    error = peer.ask(name=case.name, library=library, do="read", path=str(tmp_path / "a"), cells=str(kept))
    assert error is None
    got = np.load(kept, allow_pickle=True)
    got = got if got.dtype == array.dtype else got.astype(array.dtype)
    assert strategies.bits(got, array.dtype) == strategies.bits(cells, array.dtype)


@pytest.mark.parametrize(("library", "case"), pairs("write"))
def test_we_read_what_a_peer_wrote(
    peer: Peer, installed: frozenset[str], tmp_path: Path, library: str, case: Case
) -> None:
    if library not in installed:
        pytest.skip(f"{library} is not installed there")
    array, _ = case.make(tmp_path / "a")
    cells = case.tame_cells(array, 2)
    kept = tmp_path / "cells.npy"
    np.save(kept, cells.astype(object) if array.dtype.kind == "T" else cells, allow_pickle=True)
    error = peer.ask(name=case.name, library=library, do="write", path=str(tmp_path / "a"), cells=str(kept))
    assert error is None
    got = zarrite.open_array(tmp_path / "a", mode="r")[...]
    assert strategies.bits(got, array.dtype) == strategies.bits(cells, array.dtype)
