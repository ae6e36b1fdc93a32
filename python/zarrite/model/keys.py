"""Chunk key encodings: how a chunk's place in the grid becomes the key of an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import MetadataValidationError
from .checks import Frozen, choice, named, only

SEPARATORS = ("/", ".")


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

    def to_json(self) -> dict[str, Any]:
        """The extension object of a v3 document."""
        return {"name": self.name, "configuration": {"separator": self.separator}}

    @classmethod
    def from_json(cls, value: object) -> ChunkKeys:
        """The encoding a v3 document names.

        Raises:
            MetadataValidationError: the encoding is not known, or its separator is neither "/" nor ".".
        """
        name, configuration = named(value, "the chunk key encoding")
        separator = configuration.get("separator")
        found = KNOWN.get((name, separator)) if type(separator) is str or separator is None else None
        if found is not None and len(configuration) <= 1:
            return found
        only(configuration, ("separator",), "the chunk key encoding")
        if name not in ("default", "v2"):
            raise MetadataValidationError(
                f"chunk key encoding {name!r} is not known; known: 'default', 'v2'. "
                "Data written with it cannot be found without its rules"
            )
        return cls(name, choice(separator, "the separator of the chunk key encoding", SEPARATORS))

    @classmethod
    def from_user(cls, value: Any) -> ChunkKeys:
        """The encoding a user names: one of ours or zarr-python's, or an object with `name` and perhaps `separator`.

        Raises:
            MetadataValidationError: none of these.
        """
        if isinstance(value, ChunkKeys):
            return value
        if hasattr(value, "to_dict"):
            value = value.to_dict()
        if isinstance(value, dict) and "separator" in value:
            value = dict(value)
            value["configuration"] = {"separator": value.pop("separator")}
        return cls.from_json(value)


KNOWN: dict[tuple[str, str | None], ChunkKeys] = {
    (name, separator): ChunkKeys(name, separator) for name in ("default", "v2") for separator in (*SEPARATORS, None)
}
