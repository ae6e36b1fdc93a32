"""What is written here is read by other libraries, and what they write is read here, combination by combination.

A library may refuse what it does not know; every refusal is listed in `refusals.py` with its reason. Other cells than
those that were written are a defect, whoever's it is. `ZARRITE_CASES=all` tries every combination there is, and
`ZARRITE_PEERS_PYTHON` adds the libraries of another interpreter.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strategies
import zarrite
from conformance import matrix
from conformance.matrix import Combination
from conformance.peers import LIBRARIES as PEERS, PEERS as INTERPRETER, Peer
from conformance.refusals import refusal
from conformance.test_neighbours import LIBRARIES as NEIGHBOURS

PLACES = (*NEIGHBOURS, *(PEERS if INTERPRETER else ()))


def by_type() -> list[tuple[int, str]]:
    """The formats and data types there are."""
    return [(number, name) for number in matrix.trials.FORMATS for name in matrix.trials.data_types()]


def they(library: str, peer: Peer | None, place: Path, one: Combination, cells: Any = None) -> Any:
    """Reads or writes with a library; raises what it raises."""
    if library in NEIGHBOURS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return NEIGHBOURS[library](place, one, cells)
    assert peer is not None
    error, got = peer.ask(library, "read" if cells is None else "write", place, cells)
    if error is not None:
        raise RuntimeError(error)
    return got


def alike(got: Any, cells: Any, dtype: np.dtype[Any]) -> bool:
    """Whether two results are the same bit by bit, byte order aside."""
    try:
        found = np.asarray(got)
        found = found if found.dtype == dtype else found.astype(dtype)
        return bool(strategies.bits(found, dtype) == strategies.bits(cells, dtype))
    except (TypeError, ValueError):
        return False


@pytest.mark.parametrize("do", ["read", "write"])
@pytest.mark.parametrize("library", PLACES)
@pytest.mark.parametrize(("zarr_format", "data_type"), by_type(), ids=str)
def test_a_library_reads_and_writes_what_we_do_or_is_known_not_to(
    peer: Peer | None, tmp_path: Path, zarr_format: int, data_type: str, library: str, do: str
) -> None:
    if library in NEIGHBOURS:
        pytest.importorskip(library, reason=f"{library} is not installed")
    elif peer is not None and not peer.has(library):
        pytest.skip(f"{library} is not installed there")
    wrong = []
    for one in matrix.chosen():
        if (one.zarr_format, one.data_type) != (zarr_format, data_type):
            continue
        made = one.make(tmp_path / "a")
        if made is None:
            continue
        array, cells = made
        if do == "write" and array.dtype.kind in "fc":
            # Other writers take negative zeros and odd NaNs for fill values.
            cells = strategies.random_cells(array.dtype, array.shape, 1, tame=True)
        try:
            got = they(library, peer, tmp_path / "a", one, None if do == "read" else cells)
        except Exception as error:
            if refusal(library, one, do) is None:
                wrong.append(f"{one}: refused, and not listed: {type(error).__name__}: {str(error)[:300]}")
            continue
        if do == "write":
            got = zarrite.open_array(tmp_path / "a", mode="r")[...]
        if not alike(got, cells, array.dtype) and refusal(library, one, do) is None:
            wrong.append(f"{one}: other cells: {np.asarray(got).ravel()[:8]!r} for {cells.ravel()[:8]!r}")
    assert wrong == []


def test_the_sample_has_every_type_codec_and_layout() -> None:
    if matrix.WANTED == "all":
        pytest.skip("everything is tried")
    seen = {(one.zarr_format, part) for one in matrix.chosen() for part in (one.data_type, one.codec, one.layout)}
    assert matrix.possible() - seen == set()
