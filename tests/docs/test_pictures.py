"""Pictures that are drawn from arrays, reads and figures show what these are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.blocks import ROOT, pages

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


def test_the_pictures_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/pictures.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_stands_alone_and_has_a_title(picture: Path) -> None:
    tree = ET.parse(picture)
    title = tree.getroot().find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text
    text = picture.read_text("utf-8")
    assert "href" not in text
    assert "currentColor" not in text


def test_each_picture_is_shown_and_each_that_is_shown_has_words() -> None:
    shown = {}
    for page in pages():
        for words, place in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8")):
            shown[(page.parent / place).resolve()] = words
    assert set(PICTURES) <= set(shown)
    assert all(shown.values())
