"""Progress: one callback, shown as bars, as lines or not at all."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from zarrite.errors import MissingDependencyError
from zarrite.progress import Bars, JsonLines, Report, reporter, silent, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_track_reports_each_item_and_the_end() -> None:
    seen: list[Report] = []
    names = list(track("copy", [("a", 10), ("b", 30)], seen.append))
    assert names == ["a", "b"]
    assert seen == [
        Report("copy", "a", 0, 40, 0, 2),
        Report("copy", "b", 10, 40, 1, 2),
        Report("copy", "", 40, 40, 2, 2, finished=True),
    ]


def test_nobody_needs_to_listen() -> None:
    assert list(track("copy", [("a", 1)], None)) == ["a"]


def test_lines_are_json_and_the_last_always_comes() -> None:
    out = io.StringIO()
    lines = JsonLines(out, every_s=1000)
    for done in range(5):
        lines(Report("convert", "a", done, 5))
    lines(Report("convert", "", 5, 5, finished=True))
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["done_bytes"] for line in told] == [0, 5]
    assert told[-1]["finished"]


def test_bars_show_what_is_in_hand() -> None:
    pytest.importorskip("rich")
    out = Terminal()
    bars = Bars(out)
    bars(Report("convert", "temperature", 10, 100, 0, 2))
    bars(Report("convert", "", 100, 100, 2, 2, finished=True))
    assert "convert" in out.getvalue()


def test_the_place_decides_how_progress_is_shown() -> None:
    assert isinstance(reporter("auto", io.StringIO()), JsonLines)
    assert isinstance(reporter(True, io.StringIO()), JsonLines)
    pytest.importorskip("rich")
    assert isinstance(reporter("auto", Terminal()), Bars)


def test_progress_can_be_silent_or_ones_own() -> None:
    for how in (None, False, "silent"):
        assert reporter(how) is silent
    seen: list[Report] = []
    assert reporter(seen.append)(Report("x")) is None
    assert len(seen) == 1
    assert isinstance(reporter("json"), JsonLines)
    with pytest.raises(ValueError, match="no progress display is called 'loud'"):
        reporter("loud")


def test_bars_without_rich_say_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without: dict[str, Any] = dict.fromkeys(("rich", "rich.console", "rich.progress"))
    for name in without:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=r"zarrite\[cli\]"):
        reporter("bars")
    assert reporter("auto", Terminal()) is silent
