"""What a document says against the letter, though readers take it: for those who check data and not only read it.

Reading forgives in two ways: by the named fixes of `tolerance`, and in silence, where two spellings mean one thing.
Both are told here. A `Letter` rule sees a document that could be read and says what another reader may refuse; where
the right form is certain, it also gives it. Source: format reference 8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..model.chain import CODECS, IDS
from ..model.compressors import BloscCodec
from ..model.dtype_names import PLAIN, dtype_from_json
from ..model.dtypes import Bool, Complex, FixedBytes, Float

Document = dict[str, Any]
ERROR, WARNING, NOTE = "error", "warning", "note"
BYTE_TYPES = frozenset(sign + kind for sign in "<>=" for kind in ("b1", "i1", "u1"))


class Letter(NamedTuple):
    """One thing that the letter forbids, or that some readers refuse.

    Attributes:
        rule: its name, in words joined by hyphens.
        severity: "error" when the specification forbids it, "warning" when data may be misread or refused, "note" else.
        find: says what was found, or gives `None`.
        way_out: what the owner of the data can do.
        mend: changes the document to the right form, where that is certain.
    """

    rule: str
    severity: str
    find: Callable[[Document], str | None]
    way_out: str
    mend: Callable[[Document], None] | None = None


def codec_lists(document: Document) -> Iterator[list[Any]]:
    """Every list of codecs in a document of format 3, those inside other codecs too."""
    queue: list[Any] = [document]
    seen = 0
    while queue and seen < 1000:
        holder = queue.pop()
        seen += 1
        for value in holder.values():
            if isinstance(value, list) and any(isinstance(entry, dict | str) for entry in value):
                if holder is not document or value is document.get("codecs"):
                    yield value
                for entry in value:
                    inner = entry.get("configuration") if isinstance(entry, dict) else None
                    if isinstance(inner, dict) and "name" in entry:
                        queue.append(inner)


def codecs_of(document: Document) -> Iterator[Document]:
    """Every codec of a document of format 3 that is an object."""
    for entries in codec_lists({"codecs": document.get("codecs")}):
        for entry in entries:
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                yield entry


# ------------------------------------------------------------------ codecs and extensions of format 3


def _text_codecs(document: Document) -> str | None:
    found = [
        entry for entries in codec_lists({"codecs": document.get("codecs")}) for entry in entries if type(entry) is str
    ]
    return (
        f"codecs {', '.join(map(repr, found))} are given as text; readers of version 3.0 refuse that" if found else None
    )


def _mend_text_codecs(document: Document) -> None:
    for entries in codec_lists({"codecs": document.get("codecs")}):
        entries[:] = [{"name": entry} if type(entry) is str else entry for entry in entries]


def _extensions(document: Document) -> Iterator[Document]:
    yield from codecs_of(document)
    for member in ("data_type", "chunk_grid", "chunk_key_encoding"):
        if isinstance(document.get(member), dict):
            yield document[member]


def _must_understand(document: Document) -> str | None:
    found = [str(one.get("name")) for one in _extensions(document) if one.get("must_understand") is True]
    return f"{', '.join(found)} say must_understand: true, which strict readers refuse" if found else None


def _mend_must_understand(document: Document) -> None:
    for one in _extensions(document):
        if one.get("must_understand") is True:
            del one["must_understand"]


def _old_names(document: Document) -> str | None:
    found = [str(one["name"]) for one in codecs_of(document) if one["name"] == "endian"]
    return "codec 'endian' is the name that drafts had for 'bytes'" if found else None


def _mend_old_names(document: Document) -> None:
    for one in codecs_of(document):
        if one["name"] == "endian":
            one["name"] = "bytes"


def _private_codecs(document: Document) -> str | None:
    found = sorted({str(one["name"]) for one in codecs_of(document) if "." in str(one["name"])})
    return f"{', '.join(map(repr, found))} are not registered, and few readers know them" if found else None


def _unread_codecs(document: Document) -> str | None:
    found = sorted(
        {
            str(one["name"])
            for one in codecs_of(document)
            if one.get("must_understand") is False and one["name"] not in CODECS
        }
    )
    return (
        f"{', '.join(map(repr, found))} are not known and were passed by; the cells may not be right" if found else None
    )


def _bare_object_type(document: Document) -> str | None:
    found = document.get("data_type")
    if isinstance(found, dict) and not found.get("configuration") and set(found) <= {"name", "configuration"}:
        return f"data type {found.get('name')!r} is an object without parameters, which strict readers refuse"
    return None


def _mend_bare_object_type(document: Document) -> None:
    document["data_type"] = document["data_type"]["name"]


def _private_types(document: Document) -> str | None:
    kind = document.get("data_type")
    name = kind.get("name") if isinstance(kind, dict) else kind
    old = {"structured", "raw_bytes", "null_terminated_bytes", "variable_length_bytes", "binary"}
    if isinstance(name, str) and (name in old or name.startswith("zarrs.")):
        return f"data type {name!r} is not registered, and few readers know it"
    return None


# ------------------------------------------------------------------ other members of format 3


def _double_names(document: Document) -> str | None:
    names = [name for name in document.get("dimension_names") or () if name is not None]
    double = sorted({str(name) for name in names if names.count(name) > 1})
    return (
        f"dimension names {', '.join(map(repr, double))} stand more than once; xarray refuses that" if double else None
    )


def _right_fill(document: Document) -> Any:
    """The form of the fill value that every reader takes, where the found one is a form that some do not."""
    found = document.get("fill_value")
    kind = dtype_from_json(document["data_type"])
    plain = isinstance(kind, Bool) and not isinstance(found, bool)
    if isinstance(kind, Float | Complex):
        texts = [found] if isinstance(kind, Float) else found if isinstance(found, list) else []
        for text in texts:
            if isinstance(text, str) and (text.startswith("+") or text[:2] in ("0x", "0X")):
                digits = 2 * kind.cell_bytes // len(texts)
                plain |= text.startswith("+") or len(text) - 2 != digits or text != text.lower()
    if not plain:
        return found
    return kind.fill_to_json(kind.fill_from_json(found))


def _fill_form(document: Document) -> str | None:
    found = document.get("fill_value")
    right = _right_fill(document)
    return f"fill value {found!r} is in a form that strict readers refuse" if repr(right) != repr(found) else None


def _mend_fill_form(document: Document) -> None:
    document["fill_value"] = _right_fill(document)


def _text_fill_of_bits(document: Document) -> str | None:
    kind = document.get("data_type")
    if isinstance(kind, str) and isinstance(PLAIN.get(kind), FixedBytes | None) and kind[:1] == "r":
        found = document.get("fill_value")
        if isinstance(found, str):
            return f"the fill value of {kind!r} is base64, and the specification has a list of bytes"
    return None


def _marked_copies(document: Document) -> str | None:
    copies = document.get("consolidated_metadata")
    if isinstance(copies, dict) and copies.get("must_understand") is not False:
        return "consolidated_metadata does not say must_understand: false, so readers that do not know it must refuse"
    return None


def _mend_marked_copies(document: Document) -> None:
    document["consolidated_metadata"]["must_understand"] = False


def _slashed_copies(document: Document) -> str | None:
    copies = document.get("consolidated_metadata")
    metadata = copies.get("metadata") if isinstance(copies, dict) else None
    found = [path for path in metadata if path.startswith("/")] if isinstance(metadata, dict) else []
    return f"{len(found)} paths of consolidated_metadata begin with a slash" if found else None


def _mend_slashed_copies(document: Document) -> None:
    copies = document["consolidated_metadata"]
    copies["metadata"] = {path.lstrip("/"): copy for path, copy in copies["metadata"].items()}


V3_LETTERS: tuple[Letter, ...] = (
    Letter("codec-old-name", ERROR, _old_names, "write the registered name", _mend_old_names),
    Letter("codec-as-text", NOTE, _text_codecs, "write an object with the member name", _mend_text_codecs),
    Letter(
        "must-understand-true", NOTE, _must_understand, "leave the member out: it is the default", _mend_must_understand
    ),
    Letter("codec-unregistered", NOTE, _private_codecs, "rewrite the array with registered codecs to share it"),
    Letter("codec-passed-by", WARNING, _unread_codecs, "install what knows the codec, and read again"),
    Letter("data-type-as-object", NOTE, _bare_object_type, "write the name alone", _mend_bare_object_type),
    Letter("data-type-unregistered", NOTE, _private_types, "rewrite the array with a registered type to share it"),
    Letter("dimension-names-double", WARNING, _double_names, "give each axis a name of its own"),
    Letter("fill-value-form", WARNING, _fill_form, "write the form of the specification", _mend_fill_form),
    Letter("fill-value-form", NOTE, _text_fill_of_bits, "nothing needs to be done: both forms are in use"),
    Letter("consolidated-must-understand", ERROR, _marked_copies, "add must_understand: false", _mend_marked_copies),
    Letter("consolidated-path", WARNING, _slashed_copies, "write paths without it", _mend_slashed_copies),
)


# ------------------------------------------------------------------ format 2


def _v2_codecs(document: Document) -> list[Document]:
    entries = [*(document.get("filters") or ()), document.get("compressor")]
    return [entry for entry in entries if isinstance(entry, dict)]


def _empty_filters(document: Document) -> str | None:
    return "filters is an empty list, which the specification forbids" if document.get("filters") == [] else None


def _mend_empty_filters(document: Document) -> None:
    document["filters"] = None


V2_DEFAULTS: Document = {"compressor": None, "fill_value": None, "order": "C", "filters": None}


def _missing_members(document: Document) -> str | None:
    found = [name for name in V2_DEFAULTS if name not in document]
    return f"{', '.join(found)} missing, which an array needs" if found else None


def _mend_missing_members(document: Document) -> None:
    for name, value in V2_DEFAULTS.items():
        document.setdefault(name, value)


def _byte_order_of_bytes(document: Document) -> str | None:
    if document.get("dtype") in BYTE_TYPES:
        return f"dtype {document['dtype']!r} gives one byte an order; some readers know only the form with '|'"
    return None


def _mend_byte_order(document: Document) -> None:
    document["dtype"] = "|" + document["dtype"][1:]


BLOSC = frozenset(("id", "cname", "clevel", "shuffle", "blocksize"))


def _blosc_extras(document: Document) -> str | None:
    extra = {
        name for one in _v2_codecs(document) if one.get("id") == BloscCodec.id for name in one if name not in BLOSC
    }
    return f"blosc has {', '.join(sorted(extra))}, which not every reader passes by" if extra else None


def _mend_blosc_extras(document: Document) -> None:
    for one in _v2_codecs(document):
        if one.get("id") == BloscCodec.id:
            for name in set(one) - BLOSC:
                del one[name]


def _zstd_checksum(document: Document) -> str | None:
    found = any(one.get("id") == "zstd" and one.get("checksum") is False for one in _v2_codecs(document))
    return "zstd says checksum: false, and some readers refuse the member" if found else None


def _mend_zstd_checksum(document: Document) -> None:
    for one in _v2_codecs(document):
        if one.get("id") == "zstd" and one.get("checksum") is False:
            del one["checksum"]


def _private_ids(document: Document) -> str | None:
    known = set(IDS)
    found = sorted({str(one.get("id")) for one in _v2_codecs(document)} - known)
    return (
        f"{', '.join(map(repr, found))} are no codecs of numcodecs itself, and few readers know them" if found else None
    )


def _null_fill(document: Document) -> str | None:
    if document.get("fill_value", 0) is None:
        return "the fill value is null, so what cells that were never written read as is left to the reader"
    return None


V2_LETTERS: tuple[Letter, ...] = (
    Letter("filters-empty", ERROR, _empty_filters, "write null", _mend_empty_filters),
    Letter("member-missing", ERROR, _missing_members, "write the members that readers assume", _mend_missing_members),
    Letter("dtype-byte-order", NOTE, _byte_order_of_bytes, "write '|'", _mend_byte_order),
    Letter("blosc-extras", WARNING, _blosc_extras, "leave them out: the frame says it all", _mend_blosc_extras),
    Letter("zstd-checksum", NOTE, _zstd_checksum, "leave the member out: it is the default", _mend_zstd_checksum),
    Letter("codec-unregistered", NOTE, _private_ids, "rewrite the array with codecs of numcodecs to share it"),
    Letter("fill-value-null", NOTE, _null_fill, "give the array a fill value, or write every chunk"),
)
