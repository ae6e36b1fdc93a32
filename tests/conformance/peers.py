"""The other libraries of an interpreter that `ZARRITE_PEERS_PYTHON` names, asked through the drivers of the matrix."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zarrite

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "matrix"))
import peers as matrix_peers
from speaker import Speaker
from wire import described, from_wire, to_wire

PEERS = os.environ.get("ZARRITE_PEERS_PYTHON", "")
LIBRARIES = {"zarr-new": "zarr", "zarrs": "zarrs", "zarrista": "zarrista"}
DRIVERS = {
    "zarr-new": ("python_zarr.py",),
    "zarrs": ("python_zarr.py", "zarrs"),
    "zarrista": ("python_zarrista.py",),
}
FORMATS = {3: "v3", 2: "v2"}

needs_peers = pytest.mark.skipif(not PEERS, reason="ZARRITE_PEERS_PYTHON names no interpreter with other libraries")


class Peer:
    """Processes of the other interpreter that read and write what they are told, one a library."""

    def __init__(self) -> None:
        self.speakers: dict[str, Speaker] = {}

    def ask(self, library: str, do: str, path: Path, cells: Any = None) -> tuple[str | None, Any]:
        """Reads an array or writes all cells of one; what went wrong or `None`, and the cells that were read."""
        array = zarrite.open_array(path, mode="r")
        told = described(array.dtype)
        kept = path.with_name("cells")
        task = {
            "verb": do,
            "place": str(path),
            "format": FORMATS[array.metadata.zarr_format],
            "document": array.metadata.to_dict(),
            "dtype": told,
            "shape": array.shape,
            "cells": str(kept),
            "into": str(kept),
        }
        if do == "write":
            kept.write_bytes(to_wire(cells, told))
        error = self.speaker(library).ask(task)
        if error is not None or do == "write":
            return error, None
        found = from_wire(kept.read_bytes(), told, array.shape)
        return None, found.astype(array.dtype) if array.dtype.kind == "T" else found

    def speaker(self, library: str) -> Speaker:
        """The process of a library."""
        if library not in self.speakers:
            script, *words = DRIVERS[library]
            command = [PEERS, str(matrix_peers.DRIVERS / script), *words]
            self.speakers[library] = Speaker(matrix_peers.Peer(library, "", (), lambda: command), 60.0)
        return self.speakers[library]

    def has(self, library: str) -> bool:
        """Whether the interpreter has a library."""
        try:
            self.speaker(library).hello()
        except matrix_peers.Absent:
            return False
        return True

    def close(self) -> None:
        """Ends the processes."""
        for speaker in self.speakers.values():
            speaker.close()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer | None]:
    """The processes; `None` where no interpreter is named."""
    if not PEERS:
        yield None
        return
    peer = Peer()
    yield peer
    peer.close()
