"""What writers got wrong in the lengths of chunks: fixes of a document's copy, for the list in `tolerance`."""

from __future__ import annotations

from typing import Any

__all__ = ["filled_edges", "listed_edges", "spelled_edges", "unused_edges"]

Document = dict[str, Any]


def _lengths(document: Document) -> list[tuple[Document, str]]:
    """Where lengths of chunks stand, from the outside in: the grid's, then those inside shards."""
    if "chunks" in document:
        return [(document, "chunks")]
    found = [(document["chunk_grid"]["configuration"], "chunk_shape")]
    if "chunk_shape" not in found[0][0]:
        found = [(document["chunk_grid"]["configuration"], "chunk_shapes")]
    codecs = document.get("codecs")
    while isinstance(codecs, list):
        inside = [one["configuration"] for one in codecs if isinstance(one, dict) and "configuration" in one]
        shards = next((one for one in inside if isinstance(one, dict) and "chunk_shape" in one), None)
        if shards is None:
            break
        found.append((shards, "chunk_shape"))
        codecs = shards.get("codecs")
    return found


def spelled_edges(document: Document) -> bool:
    """`true` and `false` as lengths, which a writer in Python takes for 1 and 0."""
    done = False
    for holder, name in _lengths(document):
        numbers = _numbers(holder[name])
        if repr(numbers) != repr(holder[name]):
            holder[name] = numbers
            done = True
    return done


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return int(value) if isinstance(value, bool) else value


def _replaced(document: Document, *, empty: bool) -> bool:
    grid = document.get("chunk_grid")
    if grid is not None and grid.get("name") != "regular":
        return False
    (holder, name), *inner = _lengths(document)
    edges = holder[name]
    done = False
    for axis, (edge, extent) in enumerate(zip(edges, document["shape"], strict=True)):
        if edge == 0 and type(edge) is int and (extent == 0) is empty:
            edges[axis] = inner[0][0][inner[0][1]][axis] if inner else 1
            done = True
    return done


def unused_edges(document: Document) -> bool:
    """A length of 0 on an axis of length 0."""
    return _replaced(document, empty=True)


def filled_edges(document: Document) -> bool:
    """A length of 0 on an axis with cells: it was empty when chunks were chosen, and grew."""
    return _replaced(document, empty=False)


def listed_edges(document: Document) -> bool:
    """Lists of lengths in a regular grid, which is rectilinear then."""
    grid = document["chunk_grid"]
    edges = grid["configuration"]["chunk_shape"]
    lists = [edge for edge in edges if isinstance(edge, list)]
    # Where all axes have lists the writer knew what to call it, and pairs in them could mean two things.
    if grid["name"] != "regular" or not 0 < len(lists) < len(edges):
        return False
    if not all(type(number) is int for edge in lists for number in edge):
        return False
    document["chunk_grid"] = {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": edges}}
    return True
