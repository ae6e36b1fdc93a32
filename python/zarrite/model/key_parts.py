"""Chunk keys made of parts: text and indices in any order, as suffixes, prefixes, fan-outs and templates have them.

Source: zarrs, "zarrs.default_suffix"; the drafts "suffix", "prefix", "fanout" and "template" of zarr-extensions; format
reference 1.8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import MetadataValidationError
from .checks import brief, integer, named, only, text
from .keys import DRAFTS, INDEX, OF_PARTS, SEPARATORS, ChunkKeys, Decoder, Place

DEFAULT_SUFFIX = "zarrs.default_suffix"
MAX_TEXT = 1024
MAX_NESTED = 16
MAX_DIGITS = 20


class Index(NamedTuple):
    """An index in at least so many digits."""

    axis: int
    digits: int = 0


class Groups(NamedTuple):
    """An index in groups of so many digits, behind the number of groups but one."""

    axis: int
    group: int


Part = str | Index | Groups


class PartKeys(ChunkKeys):
    """A chunk key encoding made of parts.

    Args:
        name: "zarrs.default_suffix", "suffix", "prefix", "fanout" or "template".
        configuration: as the document has it.

    Example:
        >>> PartKeys("template", {"template": "{2}/{0:03}_{1}.png"}).encode((7, 1, 4))
        '4/007_1.png'
    """

    __slots__ = ("base", "configuration", "width")
    configuration: dict[str, Any]
    base: ChunkKeys | None
    width: int

    def __init__(self, name: str, configuration: dict[str, Any]) -> None:
        self.name = name
        self.separator = ""
        self.configuration = configuration
        what = f"chunk key encoding {name!r}"
        base = None
        width = 0
        if name == DEFAULT_SUFFIX:
            only(configuration, ("separator", "suffix"), what)
            base = ChunkKeys("default", _separator(configuration.get("separator", "/"), what))
            _text(configuration.get("suffix"), f"suffix of {what}")
        elif name in ("suffix", "prefix"):
            only(configuration, (name, "base_encoding"), what)
            _text(configuration.get(name), f"{name} of {what}")
            if _depth(configuration) > MAX_NESTED:
                raise MetadataValidationError(f"{what} nests more than {MAX_NESTED} encodings")
            base = keys_from_json(configuration.get("base_encoding", "default"))
        elif name == "fanout":
            only(configuration, ("max_children",), what)
            most = integer(configuration.get("max_children", 1000), f"max_children of {what}", low=100)
            width = len(str(most)) - 1
        else:
            only(configuration, ("template", "format", "separator"), what)
            _expressions(self._template(), 64)
            if "separator" in configuration:
                _text(configuration["separator"], f"separator of {what}")
        self.base = base
        self.width = width

    def _template(self) -> str:
        # The examples of the draft call it "format", its table "template".
        found = self.configuration.get("template", self.configuration.get("format"))
        return _text(found, f"template of chunk key encoding {self.name!r}")

    def values(self) -> tuple[Any, ...]:
        return (self.name, repr(self.configuration))

    @property
    def draft(self) -> str | None:
        return f"chunk key encoding {self.name!r}" if self.name in DRAFTS else None

    # ------------------------------------------------------------ the parts

    def parts(self, ndim: int) -> list[Part]:
        """What a key is made of, text joined with text."""
        found: list[Part] = []
        for part in self._parts(ndim):
            if isinstance(part, str) and found and isinstance(found[-1], str):
                found[-1] += part
            elif part != "":
                found.append(part)
        return found

    def _parts(self, ndim: int) -> list[Part]:
        if self.base is not None:
            inner = self.base._parts(ndim) if isinstance(self.base, PartKeys) else _plain(self.base, ndim)
            if self.name == "prefix":
                return [self.configuration["prefix"], *inner]
            return [*inner, self.configuration["suffix"]]
        if self.name == "fanout":
            return ["c", *(part for axis in range(ndim) for part in ("/", Groups(axis, self.width)))]
        return self._filled(ndim)

    def _filled(self, ndim: int) -> list[Part]:
        """The template, every expression resolved."""
        pieces = _expressions(self._template(), ndim)
        used = {piece.axis for piece in pieces if isinstance(piece, Index) and piece.axis != REST}
        rest = [axis for axis in range(ndim) if axis not in used]
        found: list[Part] = []
        for piece in pieces:
            if not isinstance(piece, Index) or piece.axis != REST:
                found.append(piece)
                continue
            if "separator" not in self.configuration:
                raise MetadataValidationError(
                    f"chunk key encoding {self.name!r} needs the parameter separator, because its template has {{*}}"
                )
            for at, axis in enumerate(rest):
                found.extend([self.configuration["separator"]] * bool(at))
                found.append(Index(axis, piece.digits))
        return found

    def texts(self, ndim: int) -> tuple[str, ...]:
        return tuple(part for part in self.parts(ndim) if isinstance(part, str))

    def check(self, shape: Sequence[int]) -> None:
        """Refuses keys that leave the array, and keys that two objects of a grid of that shape would share.

        Raises:
            MetadataValidationError: says why.
        """
        parts = self.parts(len(shape))
        what = f"chunk key encoding {self.name!r}"
        sample = "".join(part if isinstance(part, str) else "0" for part in parts)
        if ".." in sample or "\\" in sample or any(ord(letter) < 32 or ord(letter) == 127 for letter in sample):
            raise MetadataValidationError(f"{what} makes keys such as {brief(sample)}, which no store may keep")
        if any(name in ("", ".") for name in sample.split("/")):
            raise MetadataValidationError(
                f"{what} makes keys such as {brief(sample)}; a key's parts between slashes must not be empty or '.'"
            )
        for before, after in zip(parts, [*parts[1:], ""], strict=True):
            if not isinstance(before, str) and not isinstance(after, str):
                raise MetadataValidationError(f"{what} puts two indices side by side, so that keys would coincide")
        for at, part in enumerate(parts[1:-1], start=1):
            if isinstance(part, str) and part.isdecimal() and not isinstance(parts[at - 1], str):
                raise MetadataValidationError(
                    f"{what} puts only digits between two indices, so that keys would coincide"
                )
        named = {part.axis for part in parts if not isinstance(part, str)}
        for axis, count in enumerate(shape):
            if axis not in named and count > 1:
                raise MetadataValidationError(
                    f"{what} does not name axis {axis} of {count} chunks, so that keys would coincide"
                )

    # ------------------------------------------------------------ what others ask

    def encode(self, index: Sequence[int]) -> str:
        return "".join(_spelled(part, index) for part in self.parts(len(index)))

    def decoder(self, ndim: int) -> Decoder:
        parts = self.parts(ndim)
        pattern = re.compile("".join(_pattern(part) for part in parts))
        axes = [part for part in parts if not isinstance(part, str)]

        def decode(key: str) -> Place | None:
            match = pattern.fullmatch(key)
            if match is None:
                return None
            index = [0] * ndim
            for part, digits in zip(axes, match.groups(), strict=True):
                joined = digits.partition("/")[2].replace("/", "") if isinstance(part, Groups) else digits
                if len(joined) > 4 * MAX_DIGITS:
                    return None
                index[part.axis] = int(joined)
            place = tuple(index)
            return place if "".join(_spelled(part, place) for part in parts) == key else None

        return decode

    def lowered(self, ndim: int) -> dict[str, Any]:
        return {
            "name": "parts",
            "parts": [{"text": part} if isinstance(part, str) else part._asdict() for part in self.parts(ndim)],
        }

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "configuration": self.configuration}


REST = -(1 << 20)
"""Stands for all axes that a template does not name."""
EXPRESSION = r"\{(?:(\*|-?\d{1,4})(?::0(\d{1,4}))?)\}"


def _expressions(template: str, ndim: int) -> list[Part]:
    """A template taken apart; negative axes count from the last."""
    found: list[Part] = []
    at = 0
    for match in re.finditer(EXPRESSION, template):
        found.append(template[at : match.start()])
        at = match.end()
        digits = int(match[2] or 0)
        if digits > MAX_DIGITS:
            raise MetadataValidationError(f"{match[0]} in a chunk key template has more than {MAX_DIGITS} digits")
        axis = REST if match[1] == "*" else int(match[1])
        if axis != REST:
            if not -ndim <= axis < ndim:
                raise MetadataValidationError(f"{match[0]} in a chunk key template names none of {ndim} axes")
            axis %= ndim
        found.append(Index(axis, digits))
    found.append(template[at:])
    for part in found:
        if isinstance(part, str) and ("{" in part or "}" in part):
            raise MetadataValidationError(
                f"chunk key template {brief(template)} has a brace that belongs to no expression such as {{0}}, "
                "{1:03} or {*}"
            )
    return found


def _plain(keys: ChunkKeys, ndim: int) -> list[Part]:
    """The parts of an encoding that has none of its own."""
    if not ndim:
        return [keys.encode(())]
    found: list[Part] = ["c"] if keys.name == "default" else []
    for axis in range(ndim):
        found.extend([keys.separator] * bool(found))
        found.append(Index(axis))
    return found


def _spelled(part: Part, index: Sequence[int]) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Index):
        return f"{index[part.axis]:0{part.digits}d}" if part.digits else str(index[part.axis])
    digits = str(index[part.axis])
    groups = -(-len(digits) // part.group)
    padded = digits.zfill(groups * part.group)
    return "/".join([str(groups - 1), *(padded[at : at + part.group] for at in range(0, len(padded), part.group))])


def _pattern(part: Part) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if isinstance(part, Index):
        return f"([0-9]{{{part.digits},}})" if part.digits else INDEX
    return f"([0-9]{{1,2}}(?:/[0-9]{{{part.group}}})+)"


def _depth(configuration: object) -> int:
    """How many encodings lie inside one another, counted up to one more than is allowed."""
    depth = 0
    while isinstance(configuration, dict) and "base_encoding" in configuration and depth <= MAX_NESTED:
        depth += 1
        base = configuration["base_encoding"]
        configuration = base.get("configuration") if isinstance(base, dict) else None
    return depth


def _separator(value: object, what: str) -> str:
    if value not in SEPARATORS:
        raise MetadataValidationError(f"the separator of {what} must be '/' or '.', not {brief(value)}")
    return str(value)


def _text(value: object, what: str) -> str:
    found = text(value, what)
    if len(found) > MAX_TEXT:
        raise MetadataValidationError(f"{what} has {len(found)} letters; keys have at most {MAX_TEXT}")
    return found


def keys_from_json(value: object) -> ChunkKeys:
    """The chunk key encoding a v3 document names.

    Raises:
        MetadataValidationError: the encoding is not known, or its configuration makes no keys.
    """
    name = value.get("name") if isinstance(value, dict) else value
    if isinstance(name, str) and name in OF_PARTS:
        return PartKeys(*named(value, "the chunk key encoding"))
    return ChunkKeys.from_json(value)


def keys_from_user(value: Any) -> ChunkKeys:
    """The encoding a user names: one of ours or zarr-python's, a name and separator, or an object with one or both.

    Raises:
        MetadataValidationError: none of these.
    """
    if isinstance(value, ChunkKeys):
        return value
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, tuple) and len(value) == 2:
        value = {"name": value[0], "separator": value[1]}
    if isinstance(value, dict) and "separator" in value:
        value = dict(value)
        value["configuration"] = {"separator": value.pop("separator")}
    return keys_from_json(value)
