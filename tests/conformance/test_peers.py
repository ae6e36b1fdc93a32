"""Round trips with the libraries of another interpreter: zarr-python 3.4, zarrs, zarrista.

`ZARRITE_PEERS_PYTHON` names an interpreter that has them; without it these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import strategies
import zarrite
from conformance.cases import CASES, Case
from conformance.peers import LIBRARIES, Peer, needs_peers

pytestmark = needs_peers


def pairs(do: str) -> list[Any]:
    """Every library with every array it knows."""
    return [
        pytest.param(library, case, id=f"{library}: {case.name}")
        for library in LIBRARIES
        for case in CASES.values()
        if case.knows(library, do)
    ]


@pytest.mark.parametrize(("library", "case"), pairs("read"))
def test_a_peer_reads_what_we_wrote(peer: Peer, tmp_path: Path, library: str, case: Case) -> None:
    if not peer.has(library):
        pytest.skip(f"{library} is not installed there")
    array, cells = case.make(tmp_path / "a")
    error, got = peer.ask(library, "read", tmp_path / "a")
    assert error is None
    got = got if got.dtype == array.dtype else got.astype(array.dtype)
    assert strategies.bits(got, array.dtype) == strategies.bits(cells, array.dtype)


@pytest.mark.parametrize(("library", "case"), pairs("write"))
def test_we_read_what_a_peer_wrote(peer: Peer, tmp_path: Path, library: str, case: Case) -> None:
    if not peer.has(library):
        pytest.skip(f"{library} is not installed there")
    array, _ = case.make(tmp_path / "a")
    cells = case.tame_cells(array, 2)
    error, _ = peer.ask(library, "write", tmp_path / "a", cells)
    assert error is None
    got = zarrite.open_array(tmp_path / "a", mode="r")[...]
    assert strategies.bits(got, array.dtype) == strategies.bits(cells, array.dtype)
