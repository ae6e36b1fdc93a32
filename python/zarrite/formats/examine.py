"""A node's documents held against the letter: what is wrong, what another reader may refuse, and what is certain to be
right in its place.

Pure like the rest of this room: bytes in, remarks and bytes out.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import DataTypeValidationError, MetadataValidationError, UnknownCodecError, ZarriteError
from ..model.node import ArrayModel, GroupModel
from . import parse, v2, v3
from .documents import has_tokens, node_name, read_json, text_of, write_json
from .letter import ERROR, NOTE, V2_LETTERS, V3_LETTERS, WARNING, Document, Letter
from .tolerance import V2_FIXES, V3_FIXES, Fix, mended

__all__ = ["Examined", "Remark", "bare_group", "demands_groups", "examine"]

Model = ArrayModel | GroupModel
ODD = (ZarriteError, TypeError, LookupError, ValueError, AttributeError, OverflowError, RecursionError)
"""What a rule may stumble over in a document that is wrong in some other way, which is then told by another."""


class Remark(NamedTuple):
    """One thing about a document.

    Attributes:
        key: which document.
        severity: "error", "warning" or "note".
        rule: what was looked for.
        message: what was found.
        way_out: what can be done about it.
        repairable: whether the right form is certain, so that `Examined.mended` has it.
    """

    key: str
    severity: str
    rule: str
    message: str
    way_out: str
    repairable: bool = False


class Examined(NamedTuple):
    """What the documents of a node are.

    Attributes:
        model: what they mean, as patient reading has it; `None` where they mean nothing.
        remarks: what there is to say, in the order it was found.
        mended: the documents that can be put right without guessing, by key, as they would be.
    """

    model: Model | None
    remarks: tuple[Remark, ...]
    mended: dict[str, bytes]


def examine(path: str, documents: Mapping[str, bytes | None]) -> Examined:
    """Holds the documents of one node against the letter.

    Args:
        path: path of the node; "" is the root.
        documents: bytes by key, with `None` for keys that were not there.

    Example:
        >>> raw = b'{"zarr_format": 3, "node_type": "group", "attributes": null}'
        >>> [remark.message for remark in examine("", {"zarr.json": raw}).remarks]
        ['null in place of a member that may be left out']
    """
    prefix = path.strip("/") + "/" if path else ""
    there = {key: bytes(raw) for key, raw in documents.items() if raw is not None}
    remarks: list[Remark] = []
    found: dict[str, bytes] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what reading warns of is among the remarks
        try:
            model = parse(path, there)
        except ZarriteError as error:
            model = None
            remarks.append(_unreadable(error, _main_key(prefix, there)))
        for key, raw in there.items():
            checks = _checks(key.removeprefix(prefix))
            if checks is not None:
                remarks.extend(_one(key, raw, *checks, found))
        found = {key: new for key, new in found.items() if _means_the_same(path, {**there, key: new}, model)}
    if prefix + v3.NAME in there and any(prefix + name in there for name in (v2.ARRAY_NAME, v2.GROUP_NAME)):
        remarks.append(
            Remark(
                prefix + v2.ARRAY_NAME if prefix + v2.ARRAY_NAME in there else prefix + v2.GROUP_NAME,
                WARNING,
                "both-formats",
                f"{v3.NAME} stands beside the documents of format 2; readers differ in which one they take",
                "delete the documents of the format that is not meant",
            )
        )
    remarks = [one._replace(repairable=one.repairable and one.key in found) for one in remarks]
    return Examined(model, tuple(remarks), found)


def bare_group(model: Model, path: str) -> dict[str, bytes]:
    """The documents of a group without attributes, in the format of a node below it."""
    prefix = path.strip("/") + "/" if path else ""
    if model.zarr_format == v3.NUMBER:
        return {prefix + v3.NAME: write_json(v3.V3().group_document(GroupModel(v3.NUMBER)), v3.NAME)}
    return {prefix + v2.GROUP_NAME: write_json(v2.V2().zgroup(GroupModel(v2.NUMBER)), v2.GROUP_NAME)}


def _main_key(prefix: str, there: Mapping[str, bytes]) -> str:
    names = (v3.NAME, v2.ARRAY_NAME, v2.GROUP_NAME)
    return next((prefix + name for name in names if prefix + name in there), next(iter(there), prefix))


def _unreadable(error: ZarriteError, key: str) -> Remark:
    if isinstance(error, UnknownCodecError):
        rule, way_out = "codec-unknown", "install a package that has the codec, or read the array with its writer"
    elif isinstance(error, DataTypeValidationError):
        rule, way_out = "data-type-unknown", "read the array with its writer, and write it anew"
    else:
        rule, way_out = "document-unreadable", "put right what the message says, or restore the document from a copy"
    return Remark(key, ERROR, rule, str(error).removeprefix(f"{node_name(key)}: "), way_out)


Make = Callable[[Document], Model]
Checks = tuple[Make | None, tuple[Fix, ...], tuple[Letter, ...]]


def _checks(name: str) -> Checks | None:
    """What a document is held against, by its name; `None` for documents that nobody has rules for."""
    if name == v3.NAME:
        return v3.node_from_json, V3_FIXES, V3_LETTERS
    if name == v2.ARRAY_NAME:
        return lambda document: v2.array_from_json(document, {}), V2_FIXES, V2_LETTERS
    if name == v2.GROUP_NAME:
        return lambda document: v2.group_from_json(document, {}, None), (), ()
    return (None, (), ()) if name in (v2.ATTRIBUTES_NAME, v2.CONSOLIDATED_NAME) else None


def _one(
    key: str,
    raw: bytes,
    make: Make | None,
    fixes: tuple[Fix, ...],
    letters: tuple[Letter, ...],
    found: dict[str, bytes],
) -> list[Remark]:
    """The remarks on one document; puts it into `found` as it should be where that is another text."""
    try:
        document = read_json(raw, key)
    except MetadataValidationError as error:
        # The node's own documents were told of when the node was read.
        return [] if make is not None else [_unreadable(error, key)]
    right = copy.deepcopy(document)
    remarks = [*_text(key, raw, document, right)]
    fixed = document
    if make is not None:
        try:
            model = make(document)
        except ZarriteError as strict:
            node, applied, fixed, _ = mended(make, document, fixes, strict)
            if node is None:
                return remarks
            model = node
            for fix in applied:
                certain = not fix.warning and _apply(fix.apply, right)
                remarks.append(Remark(key, ERROR, _slug(fix.name), _message(fix), _way_out(fix), certain))
        remarks.extend(_unknown_members(key, model))
    for letter in letters:
        told = _told(letter, fixed)
        if told is not None:
            certain = letter.mend is not None and _apply(letter.mend, right)
            remarks.append(Remark(key, letter.severity, letter.rule, told, letter.way_out, certain))
    if any(one.repairable for one in remarks):
        # Tokens that have no right form stay: refusing to write them would lock out what can be put right.
        found[key] = write_json(right, key, keeps_tokens=has_tokens(raw))
    return remarks


def _apply(change: Callable[[Document], Any], document: Document) -> bool:
    try:
        change(document)
    except ODD:
        return False
    return True


def _told(letter: Letter, document: Document) -> str | None:
    try:
        return letter.find(document)
    except ODD:
        return None


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _message(fix: Fix) -> str:
    return f"{fix.name}; {fix.warning}" if fix.warning else fix.name


def _way_out(fix: Fix) -> str:
    if fix.warning:
        return "say in the document what is meant; it cannot be told from it"
    return "write the form of the specification, which means the same"


# ------------------------------------------------------------------ the text itself


def _text(key: str, raw: bytes, document: Document, right: Document) -> list[Remark]:
    remarks = []
    if raw.startswith(b"\xef\xbb\xbf"):
        way = "write the text without it"
        remarks.append(Remark(key, WARNING, "byte-order-mark", "the text begins with a byte order mark", way, True))
    double = _double_members(raw)
    if double:
        remarks.append(
            Remark(
                key,
                ERROR,
                "member-double",
                f"{', '.join(map(repr, double))} stand more than once; readers differ in which one they take",
                "keep the one that is meant",
            )
        )
    if has_tokens(raw):
        certain = _quote_fill(document, right)
        remarks.append(
            Remark(
                key,
                ERROR,
                "json-tokens",
                "NaN or Infinity stand bare, and JSON has no such words; many readers refuse the document",
                "write them as text" if certain else "write the values as text, or leave them out",
                certain,
            )
        )
    return remarks


def _quote_fill(document: Document, right: Document) -> bool:
    """Writes a fill value that is a bare token as text, its form in the specification; whether that is all there is."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    found = document.get("fill_value")
    if isinstance(found, float) and str(found) in words:
        right["fill_value"] = words[str(found)]
    try:
        write_json(right, "")
    except MetadataValidationError:
        return False
    return True


def _double_members(raw: bytes) -> list[str]:
    double: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        double.extend(sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else ())

    json.loads(text_of(raw), object_pairs_hook=pairs)
    return double


def _unknown_members(key: str, model: Model) -> list[Remark]:
    if not model.extra:
        return []
    severity = NOTE if isinstance(model, ArrayModel) or model.zarr_format == v3.NUMBER else WARNING
    names = ", ".join(map(repr, model.extra))
    message = (
        f"{names} {'is a member' if len(model.extra) == 1 else 'are members'} that the specification does not have"
    )
    return [Remark(key, severity, "member-unknown", message, "nothing needs to be done: readers pass them by")]


def _means_the_same(path: str, documents: Mapping[str, bytes], model: Model | None) -> bool:
    """Whether documents that were put right mean what they meant: a repair changes words and nothing else."""
    try:
        return parse(path, documents) == model
    except ZarriteError:
        return False


def demands_groups(model: Model) -> bool:
    """Whether a node's format wants a document of a group at every level above it."""
    return model.zarr_format == v3.NUMBER


def with_separator(path: str, documents: Mapping[str, bytes], separator: str) -> dict[str, bytes]:
    """The documents of an array whose chunks are spelled with another separator; none where no member says it."""
    key = (path.strip("/") + "/" if path else "") + v2.ARRAY_NAME
    raw = documents.get(key)
    if raw is None:
        return {}
    document = read_json(raw, key)
    document["dimension_separator"] = separator
    return {key: write_json(document, key, keeps_tokens=has_tokens(raw))}
