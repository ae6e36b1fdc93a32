"""`zarrite tree`: everything below a group, as a tree."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

import zarrite
from zarrite.cli.places import Options, describe_array, node_at, storage_options
from zarrite.cli.speak import answers, print_json, show_shape, to_terminal

__all__ = ["tree"]


@answers
def tree(
    path: Annotated[str, typer.Argument(help="A store, or a group in it.")],
    depth: Annotated[
        int | None, typer.Option("--depth", "-d", min=1, help="How many levels; all when not given.")
    ] = None,
    option: Options = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Show the groups and arrays below a path, with shapes, types and chunks."""
    node = node_at(path, storage_options(option))
    root = describe_array(node) if isinstance(node, zarrite.Array) else _nested(node, depth)
    if as_json:
        print_json(root)
        return
    drawn = Tree(_label(root, path.rstrip("/").rpartition("/")[2] or "/"))
    _draw(root, drawn)
    to_terminal().print(drawn)


def _nested(group: Any, depth: int | None) -> dict[str, Any]:
    """A group and what is below it, one dictionary a node."""
    root: dict[str, Any] = {"path": group.name, "kind": "group", "members": {}}
    found = {"": root}
    for path, member in sorted(group.members(max_depth=None if depth is None else depth - 1)):
        above, _, name = path.rpartition("/")
        if isinstance(member, zarrite.Array):
            facts = describe_array(member)
        else:
            facts = {"path": member.name, "kind": "group", "members": {}}
        found[path] = facts
        found[above]["members"][name] = facts
    return root


def _draw(node: dict[str, Any], drawn: Tree) -> None:
    for name, member in node.get("members", {}).items():
        _draw(member, drawn.add(_label(member, name)))


def _label(facts: dict[str, Any], name: str) -> str:
    """One line of the tree."""
    if facts["kind"] == "group":
        return f"[bold]{escape(name)}[/]"
    names = facts["dimension_names"]
    if names and any(part is not None for part in names):
        pairs = zip(names, facts["shape"], strict=True)
        shape = ", ".join(f"{length}" if part is None else f"{part}: {length}" for part, length in pairs)
    else:
        shape = show_shape(facts["shape"])
    grid = f"chunks {show_shape(facts['chunks'])}"
    if facts["shards"] is not None:
        grid += f" in shards {show_shape(facts['shards'])}"
    inside = f"({escape(shape)}) " if facts["shape"] else ""
    return f"[cyan]{escape(name)}[/] {inside}{escape(facts['dtype'])} [dim]{escape(grid)}[/]"
