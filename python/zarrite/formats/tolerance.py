"""What writers got wrong and readers forgive: an ordered list of named fixes.

A document is first read by the letter. Only when that fails, the fixes are tried on a copy of it, in this order,
until it can be read; what is then still wrong is told. A fix warns only where cells could be misread. Nothing here is
ever written: `dump` knows the letter alone. Source: format reference 8.1, whose rows the numbers name.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..errors import ZarriteError, ZarrUserWarning
from ..model.compressors import SHUFFLES
from ..model.dtype_names import dtype_from_json
from ..model.dtypes import Bool, DType, FixedBytes, Float, Integer, String, Time, Utf32, VariableBytes
from .documents import located
from .v2 import dtype_from_typestr
from .v2_objects import object_type

Document = dict[str, Any]
Node = TypeVar("Node")


class Fix(NamedTuple):
    """One thing that is forgiven.

    Attributes:
        name: what was found, in the words of the table.
        row: its row in the table.
        apply: changes the document where it applies; gives whether it did.
        warning: what the user must know, or "" when nothing can be misread.
    """

    name: str
    row: str
    apply: Callable[[Document], bool]
    warning: str = ""


def tolerant(
    make: Callable[[Document], Node], document: Document, fixes: tuple[Fix, ...], strict: ZarriteError, where: str
) -> Node:
    """The node of a document that is not by the letter.

    Raises:
        ZarriteError: what is wrong with it in spite of every fix.
    """
    node, applied, _, last = mended(make, document, fixes, strict)
    if node is None:
        raise located(last, where) from None
    for one in applied:
        if one.warning:
            warnings.warn(f"{where}: {one.name}; {one.warning}", ZarrUserWarning, stacklevel=5)
    return node


def mended(
    make: Callable[[Document], Node], document: Document, fixes: tuple[Fix, ...], strict: ZarriteError
) -> tuple[Node | None, list[Fix], Document, ZarriteError]:
    """The node of a document that is not by the letter, the fixes it took, and the document with them.

    Returns:
        `None` in place of the node where no fix helps, and then the error says what is wrong in spite of them.
    """
    applied: list[Fix] = []
    try:
        fixed = copy.deepcopy(document)
    except RecursionError:
        return None, applied, document, strict
    last = strict
    for fix in fixes:
        try:
            if not fix.apply(fixed):
                continue
        except (ZarriteError, TypeError, LookupError, ValueError, AttributeError, OverflowError, RecursionError):
            continue  # the document is wrong in some other way, which reading it says
        applied.append(fix)
        try:
            return make(fixed), applied, fixed, last
        except ZarriteError as error:
            last = error
    return None, applied, fixed, last


# ------------------------------------------------------------------ any member


def _integral(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return [_integral(inner) for inner in value] if isinstance(value, list) and len(value) < 1000 else value


def _integral_members(document: Document) -> bool:
    done = False
    members = [(document, name) for name in ("shape", "chunks")]
    numbers = ("chunk_shape", "chunk_shapes", "order", "level", "clevel", "typesize", "blocksize")
    members += [(holder, name) for holder in _configurations(document) for name in numbers]
    for holder, name in members:
        found = holder.get(name)
        mended = _integral(found)
        if repr(found) != repr(mended):  # 4.0 equals 4, so they are compared as they are written
            holder[name] = mended
            done = True
    return done


def _codecs(document: Document) -> list[Document]:
    """Every codec of format 3 that is an object, those inside shards too."""
    found, queue = [], [document]
    while queue:
        holder = queue.pop()
        for member in ("codecs", "index_codecs"):
            entries = holder.get(member)
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    found.append(entry)
                    if isinstance(entry.get("configuration"), dict):
                        queue.append(entry["configuration"])
    return found


def _configurations(document: Document) -> list[Document]:
    grid = document.get("chunk_grid")
    holders = [*_codecs(document), *([grid] if isinstance(grid, dict) else [])]
    return [one["configuration"] for one in holders if isinstance(one.get("configuration"), dict)]


# ------------------------------------------------------------------ members of format 3


def _null_members(document: Document) -> bool:
    names = [
        name
        for name in ("dimension_names", "attributes", "consolidated_metadata", "storage_transformers")
        if name in document and document[name] is None
    ]
    for name in names:
        del document[name]
    return bool(names)


def _other_consolidated(document: Document) -> bool:
    repeated = document.get("consolidated_metadata")
    if isinstance(repeated, dict) and repeated.get("kind") == "inline" and isinstance(repeated.get("metadata"), dict):
        return False
    return document.pop("consolidated_metadata", None) is not None


def _known_uris(document: Document) -> bool:
    done = False
    for codec in _codecs(document):
        name = codec.get("name", codec.get("codec"))
        if isinstance(name, str) and name.startswith(("https://", "http://")):
            parts = name.rstrip("/").split("/")
            codec["name"] = parts[-2] if len(parts) > 5 and parts[-1][:1].isdigit() else parts[-1]
            done = True
    return done


def _letters_for_order(document: Document) -> bool:
    ndim = len(document["shape"])
    done = False
    for codec in _codecs(document):
        if codec.get("name") == "transpose" and codec.get("configuration", {}).get("order") in ("C", "F"):
            axes = list(range(ndim))
            codec["configuration"]["order"] = axes if codec["configuration"]["order"] == "C" else axes[::-1]
            done = True
    return done


def _bare_list_dtype(document: Document) -> bool:
    fields = document.get("data_type")
    if not isinstance(fields, list):
        return False
    document["data_type"] = {"name": "structured", "configuration": {"fields": fields}}
    return True


def _no_configuration_dtype(document: Document) -> bool:
    kind = document.get("data_type")
    if isinstance(kind, dict) and "name" not in kind and "fields" in kind:
        document["data_type"] = {"name": "structured", "configuration": kind}
        return True
    return False


def _blosc_extras(document: Document) -> bool:
    done = False
    for codec in _codecs(document):
        configuration = codec.get("configuration")
        if codec.get("name") in ("blosc", "numcodecs.blosc") and isinstance(configuration, dict):
            for key in set(configuration) - {"typesize", "cname", "clevel", "shuffle", "blocksize"}:
                del configuration[key]
                done = True
    return done


def _blosc_numbers(document: Document) -> bool:
    done = False
    for codec in _codecs(document):
        configuration = codec.get("configuration")
        if (
            codec.get("name") == "blosc"
            and isinstance(configuration, dict)
            and type(configuration.get("shuffle")) is int
        ):
            number = configuration["shuffle"]
            if not -1 <= number < len(SHUFFLES):
                continue
            del configuration["shuffle"]
            if number != -1:  # left out, it follows the size of a cell
                configuration["shuffle"] = SHUFFLES[number]
            done = True
    return done


def _default_endian(document: Document) -> bool:
    if not _v3_type(document).units and not any(one.get("name") == "sharding_indexed" for one in _codecs(document)):
        return False
    done = False
    for entry_list in _codec_lists(document):
        for at, entry in enumerate(entry_list):
            if isinstance(entry, str) and entry in ("bytes", "endian"):
                entry_list[at] = entry = {"name": "bytes"}
            if isinstance(entry, dict) and entry.get("name") in ("bytes", "endian"):
                configuration = entry.setdefault("configuration", {})
                if isinstance(configuration, dict) and configuration.get("endian") is None:
                    configuration["endian"] = "little"
                    done = True
    return done


def _codec_lists(document: Document) -> list[list[Any]]:
    holders = [document, *_configurations(document)]
    lists = [holder.get(member) for holder in holders for member in ("codecs", "index_codecs")]
    return [one for one in lists if isinstance(one, list)]


def _structured_endian(document: Document) -> bool:
    kind = document.get("data_type")
    name = kind.get("name") if isinstance(kind, dict) else None
    return name in ("struct", "structured") and _default_endian(document)


# ------------------------------------------------------------------ lengths of chunks


def _on_edges(name: str) -> Callable[[Document], bool]:
    """A fix of the lengths of chunks; few documents need one, so they are loaded when one does."""

    def apply(document: Document) -> bool:
        from . import edge_fixes

        found: Callable[[Document], bool] = getattr(edge_fixes, name)
        return found(document)

    return apply


# ------------------------------------------------------------------ fill values


def _v3_type(document: Document) -> DType:
    return dtype_from_json(document["data_type"])


def _v2_type(document: Document) -> DType:
    if document["dtype"] != "|O":
        return dtype_from_typestr(document["dtype"])
    written = [*(document.get("filters") or ()), document.get("compressor") or {}]
    return object_type(written)


def _on_fill(kind_of: Callable[[Document], DType], mend: Callable[[DType, Any], Any]) -> Callable[[Document], bool]:
    """A fix of the fill value, from one that gives the right form of it or None."""

    def apply(document: Document) -> bool:
        found = document.get("fill_value")
        if found is None:
            return False
        mended = mend(kind_of(document), found)
        if mended is None:
            return False
        document["fill_value"] = mended
        return True

    return apply


def _one_in_a_list(kind: DType, value: Any) -> Any:
    scalar = isinstance(kind, (Bool, Integer, Float, Time, String, Utf32))
    return value[0] if scalar and isinstance(value, list) and len(value) == 1 else None


def _exact_number(kind: DType, value: Any) -> Any:
    """An integer that was written as a float or as text."""
    if not isinstance(kind, (Integer, Time)) or isinstance(value, (bool, int)):
        return None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _number_as_text(kind: DType, value: Any) -> Any:
    return float(value) if isinstance(kind, Float) and isinstance(value, str) else None


def _number_for_bool(kind: DType, value: Any) -> Any:
    if (
        isinstance(kind, Bool)
        and not isinstance(value, bool)
        and str(value) in ("0", "1", "0.0", "1.0", "false", "true")
    ):
        return str(value) in ("1", "1.0", "true")
    return None


def _number_for_string(kind: DType, value: Any) -> Any:
    # Old writers kept any objects, and what was never written reads as the number; zarr-python gives its digits.
    return str(value) if isinstance(kind, String) and type(value) in {int, float} else None


def _zero_for_text(kind: DType, value: Any) -> Any:
    return (
        ""
        if isinstance(kind, (Utf32, VariableBytes, FixedBytes)) and type(value) in {int, float} and value == 0
        else None
    )


def _zero_for_struct(kind: DType, value: Any) -> Any:
    return "" if hasattr(kind, "entries") and type(value) in {int, float} and value == 0 else None


def _real_for_complex(kind: DType, value: Any) -> Any:
    return [value, 0.0] if kind.numpy.kind == "c" and not isinstance(value, (list, dict, bool)) else None


def _null_fill(document: Document) -> bool:
    if "fill_value" in document and document["fill_value"] is not None:
        return False
    kind = _v3_type(document)
    document["fill_value"] = kind.fill_to_json(kind.default())
    return True


FILL_MENDS: tuple[tuple[str, str, Callable[[DType, Any], Any]], ...] = (
    ("a list of one as the fill value", "14", _one_in_a_list),
    ("an integer fill value written as a float or as text", "13", _exact_number),
    ("a float fill value written as text", "13", _number_as_text),
    ("0 or 1 as the fill value of bool", "13", _number_for_bool),
    ("a number as the fill value of text of any length", "13", _number_for_string),
    ("0 as the fill value of text or bytes", "13", _zero_for_text),
    ("0 as the fill value of a struct", "13", _zero_for_struct),
    ("a real number as the fill value of a complex one", "13", _real_for_complex),
)


EDGE_MENDS: tuple[Fix, ...] = (
    Fix("true and false as chunk edges", "18", _on_edges("spelled_edges")),
    Fix("a chunk edge of 0 on an axis of length 0", "18", _on_edges("unused_edges")),
    Fix(
        "a chunk edge of 0",
        "18",
        _on_edges("filled_edges"),
        "no chunk can be stored under it, so unless it is wrong all cells are the fill value",
    ),
)

V3_FIXES: tuple[Fix, ...] = (
    Fix("null in place of a member that may be left out", "1, 19", _null_members),
    Fix(
        "consolidated metadata of a kind that is not known",
        "19",
        _other_consolidated,
        "it is ignored, and members are looked up one by one",
    ),
    Fix("a list of fields as the data type", "14b", _bare_list_dtype),
    Fix("fields without a name as the data type", "14b", _no_configuration_dtype),
    Fix("integers written as floats", "26", _integral_members),
    Fix("a codec named by a URI", "28", _known_uris),
    Fix("a letter as the order of a transpose", "6", _letters_for_order),
    Fix("parameters of blosc that concern its writer", "7", _blosc_extras),
    Fix("the shuffle of blosc as a number", "10", _blosc_numbers),
    *EDGE_MENDS,
    Fix("lists of chunk edges in a regular grid", "18", _on_edges("listed_edges")),
    *(Fix(name, row, _on_fill(_v3_type, mend)) for name, row, mend in FILL_MENDS),
    Fix("no fill value, or null", "12", _null_fill, "unwritten cells read as the data type's default"),
    Fix("a struct without byte order", "4", _structured_endian),
    Fix(
        "codec 'bytes' without byte order",
        "4",
        _default_endian,
        "little endian is assumed; if that is wrong, so are the cells",
    ),
)

V2_FIXES: tuple[Fix, ...] = (
    Fix("integers written as floats", "26", _integral_members),
    *EDGE_MENDS,
    *(Fix(name, row, _on_fill(_v2_type, mend)) for name, row, mend in FILL_MENDS),
)
