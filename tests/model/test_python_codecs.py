"""Codecs that users write: declared by an entry point or registered, and used like the others."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import pytest

from zarrite import formats
from zarrite.codecs import PythonCodec, register_codec
from zarrite.errors import MetadataValidationError, UnknownCodecError, UnknownNameError
from zarrite.model.chain import CODECS
from zarrite.model.node import ArrayModel
from zarrite.model.registry import Registry


class Mask:
    """Every byte with some bits turned over."""

    name = "example.mask"

    def __init__(self, bits: int = 255) -> None:
        self.bits = bits

    @classmethod
    def from_config(cls, configuration: dict[str, Any]) -> Mask:
        return cls(**configuration)

    def configuration(self) -> dict[str, Any]:
        return {"bits": self.bits}

    def encode(self, data: bytes) -> bytes:
        return bytes(byte ^ self.bits for byte in data)

    decode = encode


class Plain:
    """A codec with nothing to set, for cells."""

    name = "example.plain"
    kind = "array"
    stored_bytes = 32

    def encode(self, data: bytes) -> bytes:
        return data

    decode = encode


class Point:
    """An entry point, as far as anyone looks at it."""

    def __init__(self, name: str, entry: Any) -> None:
        self.name = name
        self.value = f"{name}:entry"
        self.entry = entry

    def load(self) -> Any:
        if isinstance(self.entry, Exception):
            raise self.entry
        return self.entry


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups of entry points that were asked for; the codecs above are declared in one of them."""
    groups: list[str] = []
    points = [Point(Mask.name, Mask), Point(Plain.name, Plain), Point("broken", ImportError("no such module"))]

    def entry_points(*, group: str) -> list[Point]:
        groups.append(group)
        return points

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    monkeypatch.setattr(CODECS, "_plugins", None)
    monkeypatch.setattr(CODECS, "_known", dict(CODECS._known))
    return groups


@pytest.mark.parametrize("number", [2, 3])
def test_a_declared_codec_is_found_by_its_name(asked: list[str], number: int) -> None:
    entry = {"id": Mask.name, "bits": 7} if number == 2 else {"name": Mask.name, "configuration": {"bits": 7}}
    model = ArrayModel.create(shape=(8,), dtype="i4", compressors=[entry], zarr_format=number)
    assert asked == ["zarrite.codecs"]
    (codec,) = model.compressors
    assert isinstance(codec, PythonCodec)
    assert isinstance(codec.codec, Mask)
    again = formats.parse("", formats.dump(model, ""), number)
    assert again == model
    assert asked == ["zarrite.codecs"]


def test_names_that_are_known_ask_nobody(asked: list[str]) -> None:
    for name in ("gzip", "zlib", "numcodecs.blosc", "numcodecs.zlib"):
        ArrayModel.create(shape=(8,), dtype="i4", compressors=[name])
    assert asked == []


def test_an_object_is_taken_as_it_is_and_handed_to_the_engine() -> None:
    mask, plain = Mask(3), Plain()
    model = ArrayModel.create(shape=(8,), dtype="i4", filters=[plain], compressors=[mask, "gzip"])
    document, handles = model.lower()
    assert handles == (plain, mask)
    assert json.loads(document)["codecs"] == [
        {"name": "python", "handle": 0, "codec": "example.plain", "kind": "array", "stored_bytes": 32},
        {"name": "bytes", "swap": [], "cell_bytes": 1},
        {"name": "python", "handle": 1, "codec": "example.mask", "kind": "bytes", "stored_bytes": None},
        {"name": "gzip", "level": 5},
    ]
    assert model == ArrayModel.create(shape=(8,), dtype="i4", filters=[Plain()], compressors=[Mask(3), "gzip"])
    assert model != ArrayModel.create(shape=(8,), dtype="i4", filters=[Plain()], compressors=[Mask(4), "gzip"])


def test_a_registered_codec_is_known_in_this_process(asked: list[str]) -> None:
    class Other(Mask):
        name = "example.other"

    register_codec(Other)
    model = ArrayModel.create(shape=(8,), dtype="i4", compressors=["example.other"])
    assert model.compressors[0].name == "example.other"
    assert asked == []


def test_what_goes_wrong_names_the_codec(asked: list[str]) -> None:
    with pytest.raises(UnknownCodecError, match=r"'broken'.*no such module"):
        ArrayModel.create(shape=(8,), dtype="i4", compressors=["broken"])
    with pytest.raises(MetadataValidationError, match=r"'example.mask'.*'nonsense': 1"):
        ArrayModel.create(shape=(8,), dtype="i4", compressors=[{"name": Mask.name, "configuration": {"nonsense": 1}}])
    for bad in (object(), type("NoName", (), {"encode": len, "decode": len})()):
        with pytest.raises(MetadataValidationError, match="codec"):
            PythonCodec(bad)


def test_a_registry_tells_what_it_knows() -> None:
    registry = Registry("shape", {"circle": 1}, {"disc": "circle"})
    assert registry["circle"] == registry["disc"] == 1
    assert list(registry) == ["circle"]
    assert "circle" in registry
    assert 3 not in registry
    registry.add("square", 2, aliases=["box"])
    assert registry["box"] == 2
    with pytest.raises(UnknownNameError, match=r"'line'; known: circle, square\. .*'zarrite.shapes'"):
        registry["line"]
