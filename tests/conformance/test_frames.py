"""Frames that numcodecs encoded, one codec at a time, each with the digest of what it decodes to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import zarrite

FOLDER = "codecs/numcodecs-fixture"


def entries(data: Path) -> list[dict[str, Any]]:
    """What is known of each frame."""
    told = json.loads((data / "expected.json").read_text())["entries"]
    return [entry for entry in told if entry["path"].startswith(FOLDER) and entry.get("kind") == "codec-fixture"]


def decoded(frame: bytes, entry: dict[str, Any]) -> bytes:
    """The bytes of a frame's cells, read as the one chunk of an array; text in the form that the digests are of."""
    codec = entry["codec"]
    is_text = codec["id"] == "vlen-utf8"
    shape = entry["shape"]
    document = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": shape,
        "dtype": "|O" if is_text else np.dtype(entry["dtype"]).str,
        "compressor": None,
        "filters": [codec],
        "fill_value": None,
        "order": entry.get("order", "C"),
    }
    store = {".zarray": json.dumps(document).encode(), ".".join("0" * len(shape)) or "0": frame}
    cells = zarrite.open_array(store, mode="r")[...]
    if not is_text:
        return bytes(cells.tobytes(order=document["order"]))
    texts = [str(text).encode() for text in cells.ravel()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def test_every_frame_of_numcodecs_decodes_to_its_digest(data: Path) -> None:
    found = entries(data)
    assert {entry["path"].split("/")[2] for entry in found} == {one.name for one in (data / FOLDER).iterdir()}
    wrong, read = [], set()
    for entry in found:
        frame = (data / entry["path"]).read_bytes()
        digest = hashlib.sha256(decoded(frame, entry)).hexdigest()
        read.add(entry["codec"]["id"])
        # Where the writer's own reader failed, what it had written is known.
        if digest != entry.get("sha256", entry.get("array_sha256")):
            wrong.append(entry["path"])
    assert wrong == []
    assert len(read) == len({entry["codec"]["id"] for entry in found})
