"""Grids and keys that no setting makes, both ways with the library that has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from conformance.peers import Peer, needs_peers
from zarrite import formats

pytestmark = needs_peers

SHAPE = (7, 6)
REGULAR = {"name": "regular", "configuration": {"chunk_shape": [3, 4]}}
DEFAULT = {"name": "default", "configuration": {"separator": "/"}}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bounded": ({"name": "zarrs.regular_bounded", "configuration": {"chunk_shape": [3, 4]}}, DEFAULT),
    "rectangular": ({"name": "rectangular", "configuration": {"chunk_shape": [[3, 4], 4]}}, DEFAULT),
    "runs": (
        {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [[[2, 3], 1], [1, 5, 3]]}},
        DEFAULT,
    ),
    "suffix": (REGULAR, {"name": "zarrs.default_suffix", "configuration": {"separator": ".", "suffix": ".chunk"}}),
}


@pytest.fixture(autouse=True)
def installed(peer: Peer) -> None:
    """Skips where the interpreter lacks the library."""
    if not peer.has("zarrista"):
        pytest.skip("zarrista is not installed there")


def described(place: Path, name: str) -> zarrite.Array:
    """An empty array as a document describes it."""
    grid, keys = CASES[name]
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": SHAPE,
        "data_type": "int32",
        "chunk_grid": grid,
        "chunk_key_encoding": keys,
        "fill_value": 0,
        "codecs": [
            {"name": "transpose", "configuration": {"order": [1, 0]}},
            {"name": "bytes", "configuration": {"endian": "big"}},
            {"name": "gzip", "configuration": {"level": 1}},
        ],
    }
    place.mkdir()
    (key,) = formats.first_keys("", 3)
    (place / key).write_text(json.dumps(document))
    return zarrite.open_array(place, mode="r+")


@pytest.mark.parametrize("name", CASES)
def test_zarrs_reads_what_we_wrote(peer: Peer, tmp_path: Path, name: str) -> None:
    array = described(tmp_path / "a", name)
    cells = np.arange(1, 43, dtype="i4").reshape(SHAPE)
    array[...] = cells
    array[2:5, 3] = cells[2:5, 3] = -1
    error, got = peer.ask("zarrista", "read", tmp_path / "a")
    assert error is None
    np.testing.assert_array_equal(got, cells)


@pytest.mark.parametrize("name", CASES)
def test_we_read_what_zarrs_wrote(peer: Peer, tmp_path: Path, name: str) -> None:
    described(tmp_path / "a", name)
    cells = np.arange(1, 43, dtype="i4").reshape(SHAPE)
    error, _ = peer.ask("zarrista", "write", tmp_path / "a", cells)
    assert error is None
    array = zarrite.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(array[...], cells)
    assert array.nchunks_initialized == array.nchunks
