"""Chunk key encodings: how a chunk's place in the grid becomes the key of an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import MetadataValidationError
from .checks import Frozen, choice, named, only

SEPARATORS = ("/", ".")
DRAFTS = ("suffix", "prefix", "fanout", "template")
OF_PARTS = ("zarrs.default_suffix", *DRAFTS)
"""Encodings that `key_parts` has."""
Place = tuple[int, ...]
Decoder = Callable[[str], Place | None]


class ChunkKeys(Frozen):
    """How chunk indices are spelled.

    Args:
        name: "default" (`c/0/1`) or "v2" (`0.1`).
        separator: "/" or "."; left out, "/" for "default" and "." for "v2".

    Example:
        >>> ChunkKeys("default").encode((0, 1))
        'c/0/1'
        >>> ChunkKeys("v2").encode(())
        '0'
    """

    __slots__ = ("name", "separator")
    name: str
    separator: str

    def __init__(self, name: str = "default", separator: str | None = None) -> None:
        self.name = choice(name, "a chunk key encoding", ("default", "v2"))
        self.separator = choice(separator or ("/" if name == "default" else "."), "the separator", SEPARATORS)

    def encode(self, index: Sequence[int]) -> str:
        """The key of the chunk at a place in the grid, relative to the array."""
        words = [str(number) for number in index]
        if self.name == "default":
            words.insert(0, "c")
        return self.separator.join(words) or "0"

    def decoder(self, ndim: int) -> Decoder:
        """What finds the place in the grid that a key stands for, or None where it is no key of this encoding."""
        if not ndim:
            only = self.encode(())
            return lambda key: () if key == only else None
        separator = re.escape(self.separator)
        first = f"c{separator}" if self.name == "default" else ""
        matches = re.compile(first + separator.join([INDEX] * ndim)).fullmatch

        def decode(key: str) -> Place | None:
            match = matches(key)
            return None if match is None else tuple(map(int, match.groups()))

        return decode

    @property
    def draft(self) -> str | None:
        """What of it is not agreed on yet."""
        return None

    def texts(self, ndim: int) -> tuple[str, ...]:  # noqa: ARG002 - here the texts are always the same
        """What stands in keys besides indices."""
        return ("c",) if self.name == "default" else ()

    def check(self, shape: Sequence[int]) -> None:
        """Refuses an encoding that gives two objects of a grid of that shape the same key."""

    def lowered(self, ndim: int) -> dict[str, Any]:  # noqa: ARG002 - as above
        """What the engine is told."""
        return {"name": self.name, "separator": self.separator}

    def to_json(self) -> dict[str, Any]:
        """The extension object of a v3 document."""
        return {"name": self.name, "configuration": {"separator": self.separator}}

    @classmethod
    def from_json(cls, value: object) -> ChunkKeys:
        """The encoding of this class that a v3 document names; `keys_from_json` knows the others.

        Raises:
            MetadataValidationError: the encoding is not known, or its separator is neither "/" nor ".".
        """
        name, configuration = named(value, "the chunk key encoding")
        separator = configuration.get("separator")
        found = KNOWN.get((name, separator)) if type(separator) is str or separator is None else None
        if found is not None and len(configuration) <= 1:
            return found
        if name not in ("default", "v2"):
            raise MetadataValidationError(
                f"chunk key encoding {name!r} is not known; known: 'default', 'v2', {', '.join(map(repr, OF_PARTS))}. "
                "Data written with it cannot be found without its rules"
            )
        only(configuration, ("separator",), "the chunk key encoding")
        return cls(name, choice(separator, "the separator of the chunk key encoding", SEPARATORS))


INDEX = "(0|[1-9][0-9]{0,19})"
KNOWN: dict[tuple[str, str | None], ChunkKeys] = {
    (name, separator): ChunkKeys(name, separator) for name in ("default", "v2") for separator in (*SEPARATORS, None)
}
