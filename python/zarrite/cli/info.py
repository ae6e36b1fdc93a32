"""`zarrite info`: what one array or group is, and what it takes in its store."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import zarrite
from zarrite.cli.places import Options, describe_array, node_at, storage_options
from zarrite.cli.speak import answers, plain, print_json, show_bytes, show_count, show_shape, to_terminal

__all__ = ["info"]


@answers
def info(
    path: Annotated[str, typer.Argument(help="A store, or a node in it: data.zarr, data.zarr/ocean, data.zip:/ocean")],
    option: Options = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Say what an array or a group is: shape, type, chunks, codecs, attributes, bytes."""
    if "|json:" in path.lower():
        print_json(zarrite.storage.read_json(path, storage_options=storage_options(option)))
        return
    node = node_at(path, storage_options(option))
    facts = {"place": path} | (_array(node) if isinstance(node, zarrite.Array) else _group(node))
    if as_json:
        print_json(facts)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _lines(facts):
        table.add_row(name, escape(value))
    out = to_terminal()
    out.print(table)
    if facts["attributes"]:
        out.print("\nattributes", style="bold")
        attributes = Table(show_header=False, box=None, pad_edge=False)
        attributes.add_column(style="cyan")
        attributes.add_column(overflow="fold")
        for name, value in facts["attributes"].items():
            text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
            attributes.add_row(escape(name), escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}…"))
        out.print(attributes)


LONGEST = 400
"""How much of an attribute is shown to people."""


def _array(array: Any) -> dict[str, Any]:
    stored = array.nbytes_stored()
    return describe_array(array) | {
        "fill_value": array.fill_value,
        "codecs": [
            _codec(codec) for codec in (*array.filters, array.serializer, *array.compressors) if codec is not None
        ],
        "stored_bytes": stored,
        "chunks_written": array.nchunks_initialized,
        "chunk_count": array.nchunks,
        "attributes": array.attrs.asdict(),
    }


def _group(group: Any) -> dict[str, Any]:
    members = group.members(max_depth=None)
    arrays = [member for _, member in members if isinstance(member, zarrite.Array)]
    prefix = f"{group.path}/" if group.path else ""
    objects, stored = group.store.usage(prefix).result()
    return {
        "path": group.name,
        "kind": "group",
        "groups": len(members) - len(arrays),
        "arrays": len(arrays),
        "bytes": sum(array.nbytes for array in arrays),
        "stored_objects": objects,
        "stored_bytes": stored,
        "members": [name for name, _ in group.members()],
        "attributes": group.attrs.asdict(),
    }


def _codec(codec: Any) -> str:
    """A codec by its name and settings."""
    if not hasattr(codec, "to_dict"):
        return str(codec)
    document = codec.to_dict()
    settings = {name: value for name, value in document.get("configuration", {}).items() if value is not None}
    inside = ", ".join(f"{name}={value}" for name, value in settings.items())
    return f"{document.get('name', codec)}({inside})" if inside else str(document.get("name", codec))


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts for people."""
    if facts["kind"] == "group":
        return [
            ("group", facts["place"]),
            ("holds", f"{show_count(facts['groups'], 'group')}, {show_count(facts['arrays'], 'array')}"),
            ("members", ", ".join(facts["members"]) or "-"),
            ("cells", show_bytes(facts["bytes"])),
            ("stored", f"{show_bytes(facts['stored_bytes'])} in {show_count(facts['stored_objects'], 'object')}"),
        ]
    names = facts["dimension_names"]
    lines = [
        ("array", facts["place"]),
        ("shape", show_shape(facts["shape"])),
        ("dimensions", ", ".join(str(name) if name is not None else "-" for name in names) if names else "-"),
        ("data type", facts["dtype"]),
        ("fill value", json.dumps(plain(facts["fill_value"]), ensure_ascii=False)),
        ("chunks", show_shape(facts["chunks"])),
        ("shards", show_shape(facts["shards"])),
        ("codecs", " → ".join(facts["codecs"]) or "-"),
        ("cells", show_bytes(facts["bytes"])),
    ]
    share = f", {facts['bytes'] / facts['stored_bytes']:.1f} times smaller" if facts["stored_bytes"] else ""
    written = f"{facts['chunks_written']} of {facts['chunk_count']} chunks written"
    return [*lines, ("stored", f"{show_bytes(facts['stored_bytes'])}{share}, {written}")]
