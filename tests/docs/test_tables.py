"""Tables that are written from the program say what the program does."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

from docs.blocks import ROOT


@pytest.fixture(scope="module")
def trials() -> ModuleType:
    """What finds out by trying what works."""
    sys.path.insert(0, str(ROOT / "tools"))
    import trials

    return trials


def test_the_tables_of_the_documentation_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/tables.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_the_registries_list_works_in_some_format(trials: ModuleType) -> None:
    types = [name for name in trials.data_types() if not any(trials.try_type(name, one).read for one in trials.FORMATS)]
    codecs = [
        codec.__name__
        for codec in trials.built_in()
        if not any(trials.try_codec(codec, one).read for one in trials.FORMATS)
    ]
    assert types + codecs == [], "either they do not work, or tools/trials.py must say with what they are tried"


def test_a_codec_that_does_not_bring_cells_back_is_not_said_to_work(trials: ModuleType) -> None:
    class Broken(trials.GzipCodec):  # type: ignore[misc,name-defined]
        name = id = "broken"

    assert not any(trials.try_codec(Broken, one).write for one in trials.FORMATS)
