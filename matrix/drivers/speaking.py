"""How a driver speaks: JSON lines on standard input and output, one answer for each line.

    {"verb": "hello"}                                              -> {"done": true, "name": .., "version": ..}
    {"verb": "write", "place": .., "cells": .., and the case}      -> {"done": true} or {"refused": ".."}
    {"verb": "read", "place": .., "into": .., and the case}        -> {"done": true} or {"refused": ".."}

`place` is a folder: empty for a writer, written for a reader. The case has `format`, `document` (the array's document
in that format), `dtype` and `shape`; `cells` and `into` are files of cells as `wire.py` has them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from wire import from_wire, to_wire

DOCUMENTS = {"v3": "zarr.json", "v2": ".zarray", "n5": "attributes.json"}

GROUPS: dict[str, tuple[str, dict[str, Any]]] = {
    "v3": ("zarr.json", {"zarr_format": 3, "node_type": "group"}),
    "v2": (".zgroup", {"zarr_format": 2}),
    "n5": ("attributes.json", {"n5": "4.0.0"}),
}

Write = Callable[[dict[str, Any], Any], None]
Read = Callable[[dict[str, Any]], Any]


def lay_down(task: dict[str, Any]) -> Path:
    """Puts the case's document as it is, for libraries that make no array from one; gives the folder."""
    place = Path(task["place"])
    place.mkdir(parents=True, exist_ok=True)
    (place / DOCUMENTS[task["format"]]).write_text(json.dumps(task["document"]))
    return place


def beside(task: dict[str, Any]) -> Path:
    """The name of a folder that is not there yet, as such libraries want it for a format."""
    group = Path(task["place"]).with_name("group.n5" if task["format"] == "n5" else "group.zarr")
    shutil.rmtree(group, ignore_errors=True)
    return group


@contextlib.contextmanager
def within_a_group(task: dict[str, Any]) -> Iterator[Path]:
    """A folder that has the array as `array`, for libraries that open containers alone."""
    group = beside(task)
    shutil.copytree(task["place"], group / "array")
    name, document = GROUPS[task["format"]]
    (group / name).write_text(json.dumps(document))
    try:
        yield group
    finally:
        shutil.rmtree(group)


def serve(name: str, version: str, write: Write, read: Read) -> None:
    """Answers until standard input ends."""
    warnings.simplefilter("ignore")
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        task = json.loads(line)
        answer: dict[str, Any]
        try:
            if task["verb"] == "hello":
                answer = {"done": True, "name": name, "version": version}
            elif task["verb"] == "write":
                write(task, from_wire(Path(task["cells"]).read_bytes(), task["dtype"], tuple(task["shape"])))
                answer = {"done": True}
            else:
                Path(task["into"]).write_bytes(to_wire(read(task), task["dtype"]))
                answer = {"done": True}
        except Exception as error:
            answer = {"refused": f"{type(error).__name__}: {error}"[:600]}
        print(json.dumps(answer), file=answers, flush=True)
