"""Two lists of names, one in each language, that must stay equal."""

from __future__ import annotations

from zarrite import _engine, errors
from zarrite.model.chain import BUILT_IN, UNNAMED


def test_every_codec_that_python_declares_is_one_that_rust_implements() -> None:
    # Two codecs are called packbits; the one of numcodecs keeps its prefix here.
    declared = {codec.id or codec.name for codec in (*BUILT_IN, *UNNAMED)} | {"python", "numcodecs.packbits"}
    assert declared == set(_engine.CODECS)


def test_every_error_that_rust_names_is_a_class_of_the_package(root) -> None:
    text = "".join(path.read_text() for path in sorted((root / "crates" / "py").rglob("*.rs")))
    named = [name for name in errors.__all__ if f'"{name}"' in text]
    assert "ChunkDecodeError" in named
    assert "StoreError" in named
