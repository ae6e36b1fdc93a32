"""What notebooks show of handles."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from costs.counting import Ledger
from zarrite.picture import grid_svg

VOID = {"rect", "line", "br"}


class Balance(HTMLParser):
    """Elements that were opened and not closed, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag


def elements(html: str) -> list[str]:
    """The elements of a page that closes what it opens."""
    parser = Balance()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen


SHAPES: dict[str, dict[str, Any]] = {
    "one axis": {"shape": (10,), "chunks": (3,)},
    "two axes": {"shape": (40, 60), "chunks": (10, 20)},
    "shards": {"shape": (40, 60), "chunks": (10, 20), "shards": (20, 60)},
    "four axes": {"shape": (2, 3, 40, 60), "chunks": (1, 1, 10, 20), "dimension_names": ("t", "<c>", None, "x")},
    "no axis": {"shape": ()},
    "no cells": {"shape": (0, 3), "chunks": (1, 3)},
    "millions of chunks": {"shape": (10**9, 10**6), "chunks": (1000, 1000)},
    "uneven chunks": {"shape": (10, 6), "chunks": ((1, 2, 7), (3, 3))},
}


@pytest.mark.parametrize("settings", SHAPES.values(), ids=SHAPES)
def test_an_array_is_shown_as_whole_html(settings: dict[str, Any]) -> None:
    array = zarrite.create_array(None, dtype="f4", **settings)
    html = array._repr_html_()
    seen = elements(html)
    assert "table" in seen
    assert ("svg" in seen) == (array.size > 0 and array.ndim > 0)
    assert len(html) < 30_000
    assert str(array.shape) in html


def test_names_and_codecs_are_escaped_and_in_order() -> None:
    array = zarrite.create_array(None, shape=(4, 4), dtype="f4", dimension_names=("<b>", "x"), filters=None)
    html = array._repr_html_()
    assert "&lt;b&gt; · 4" in html
    assert "<b>" not in html
    assert html.index(">bytes<") < html.index(">zstd<")


def test_what_is_stored_is_counted_on_this_machine(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(4, 4), chunks=(1, 1), shards=(2, 2), dtype="f4")
    array[:2] = 1
    assert "<th>Shards written</th><td>2 of 4</td>" in array._repr_html_()


def test_lines_stand_between_chunks() -> None:
    picture = grid_svg((4, 6), ((2, 2), (3, 3)), ((4,), (3, 3)), ("y", "x"))
    assert picture.count("<line") == 3
    assert "2 x 2 chunks in 1 x 2 shards" in picture


def test_a_group_is_shown_with_its_tree_and_an_end() -> None:
    group = zarrite.create_group(None)
    group.create_array("deep/er", data=np.zeros(3))
    html = group._repr_html_()
    elements(html)
    assert "└── er (3,) float64" in html
    for name in range(120):
        group.create_group(f"g{name:03}")
    html = group._repr_html_()
    elements(html)
    assert "... and" in html


def test_a_picture_asks_for_no_cells() -> None:
    ledger = Ledger()
    array = zarrite.create_array(ledger.store, shape=(100,), chunks=(1,), dtype="u1")
    array[...] = 1
    assert {one[0] for one in ledger.of(array._repr_html_)} <= {"list", "list_dir", "size"}
