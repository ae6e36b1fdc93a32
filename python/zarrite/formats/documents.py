"""The text of metadata documents: JSON read with patience and written without any.

Reading takes what writers are known to leave behind: a byte order mark, the bare tokens NaN and Infinity. Of a member
that stands twice, the last one counts. Writing gives plain JSON, one member a line, the same text for the same model;
only a document that had such tokens may keep them, since refusing to write it would lock its owner out.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any, NoReturn

from ..errors import MetadataValidationError, NotJsonError, ZarriteError
from ..model.checks import brief


def text_of(raw: bytes) -> str:
    """The text of a document, without the mark some editors set before it."""
    # Not by the codec "utf-8-sig": to load it costs more than to read a document.
    return bytes(raw).removeprefix(BOM_UTF8).decode()


def read_json(raw: bytes, key: str) -> dict[str, Any]:
    """The JSON object a document holds.

    Raises:
        MetadataValidationError: no UTF-8, no JSON, or JSON that is no object; says where it breaks off.
    """
    try:
        found = json.loads(text_of(raw))
    except UnicodeDecodeError as error:
        raise MetadataValidationError(f"{key} is not UTF-8 text (byte {error.start}); restore the document") from None
    except json.JSONDecodeError as error:
        if is_page(raw):
            raise MetadataValidationError(f"{key} {_page(raw)}") from None
        raise MetadataValidationError(
            f"{key} is not JSON: {error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}; "
            "correct or restore the document"
        ) from None
    except RecursionError:
        raise MetadataValidationError(f"{key} nests JSON too deeply to be read; flatten it") from None
    except ValueError as error:  # an integer with thousands of digits
        raise MetadataValidationError(f"{key} is not usable JSON: {error}") from None
    if type(found) is not dict:
        raise MetadataValidationError(f"{key} must hold a JSON object, not {brief(found)}")
    return found


def _page(raw: bytes) -> str:
    """What a server gave in place of a document, and what can be done."""
    start = bytes(raw).strip()[:20]
    if not start:
        return "is empty; restore it, or ask the server why it answers where nothing is"
    return (
        f"is a page for people and no document (it begins with {start!r}): the server gives one for every path, or "
        "wants a login; take the address of the data itself"
    )


def is_page(raw: bytes | None) -> bool:
    """Whether a server gave something else in place of a document: nothing at all, or a page for people.

    Example:
        >>> is_page(b"<!doctype html>"), is_page(b""), is_page(b"{}"), is_page(None)
        (True, True, False, False)
    """
    return raw is not None and (not bytes(raw).strip() or bytes(raw).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<")


def has_tokens(*raws: bytes | None) -> bool:
    """Whether any of some documents, which can be read, has numbers that JSON has no words for."""
    seen: list[str] = []
    for raw in raws:
        if raw is not None and (b"NaN" in raw or b"Infinity" in raw):
            json.loads(text_of(raw), parse_constant=seen.append)
    return bool(seen)


def in_order(document: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    """The document with its members in the order they were once found, new ones behind."""
    if not members or members == tuple(document):
        return document
    return {name: document[name] for name in (*(name for name in members if name in document), *document)}


def located(error: ZarriteError, where: str) -> ZarriteError:
    """The same error with the node and the member in front."""
    return type(error)(f"{where}: {error}")


def node_name(key: str) -> str:
    """The node that a document's key describes, for an error."""
    path = key.rpartition("/")[0]
    return f"node {('/' + path)!r} ({key})"


def _plain(value: Any) -> Any:
    """JSON values for what NumPy puts into attributes."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    raise TypeError


Encode = Callable[[Any], str]
_strictly: Encode = json.JSONEncoder(allow_nan=False, default=_plain).encode
_with_tokens: Encode = json.JSONEncoder(allow_nan=True, default=_plain).encode
SPREAD = frozenset(("attributes", "consolidated_metadata", "metadata"))
"""Members whose own members get a line each."""


def write_json(document: dict[str, Any], key: str, *, keeps_tokens: bool = False) -> bytes:
    """The text of a document, strict JSON in ASCII.

    Args:
        document: JSON values, and NumPy's.
        key: where it will be, for an error.
        keeps_tokens: whether NaN and Infinity may be written bare.

    Raises:
        MetadataValidationError: a value that JSON cannot hold, such as NaN, bytes, or a member whose name is no string.
    """
    try:
        return (_spread(document, "\n", _with_tokens if keeps_tokens else _strictly) + "\n").encode("ascii")
    except (TypeError, ValueError, RecursionError):
        _blame(document, key)


def _spread(document: dict[str, Any], line: str, encode: Encode) -> str:
    if not document:
        return "{}"
    inner = line + "  "
    parts = []
    for name, value in document.items():
        if type(name) is not str:
            raise TypeError
        deep = name in SPREAD and type(value) is dict and len(line) < 5
        if not deep and type(value) in {dict, list, tuple}:
            _check_names(value)
        parts.append(f"{encode(name)}: {_spread(value, inner, encode) if deep else encode(value)}")
    return "{" + inner + ("," + inner).join(parts) + line + "}"


def _check_names(value: Any) -> None:
    """Raises where a member's name is no text: Python's encoder would write `1` as `"1"` and say nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError
            _check_names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_names(inner)


def _blame(document: dict[str, Any], key: str) -> NoReturn:
    """Says which value it was."""
    stack: list[tuple[str, Any, int]] = [(str(name), value, 0) for name, value in document.items()]
    while stack:
        name, value, depth = stack.pop()
        if depth > 500:
            raise MetadataValidationError(
                f"{node_name(key)}: {name[:60]}... holds itself or nests too deeply for JSON; flatten it"
            )
        if isinstance(value, dict):
            for inner in value:
                if type(inner) is not str:
                    raise MetadataValidationError(
                        f"{node_name(key)}: the members of {name} must have strings for names, not {brief(inner)}"
                    )
            stack.extend((f"{name}.{inner}", kept, depth + 1) for inner, kept in value.items())
        elif isinstance(value, (list, tuple)):
            stack.extend((f"{name}[{at}]", kept, depth + 1) for at, kept in enumerate(value))
        else:
            try:
                _strictly(value)
            except (TypeError, ValueError):
                way = "write it as a string or leave it out" if isinstance(value, float) else "convert it first"
                raise NotJsonError(
                    f"{node_name(key)}: {name} is {brief(value)}, which is not JSON serializable; {way}"
                ) from None
    raise MetadataValidationError(f"{node_name(key)}: the document cannot be written as JSON")
