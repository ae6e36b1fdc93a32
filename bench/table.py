"""Turns the measurements of `make bench` into the tables of README.md and docs/performance.md.

python bench/table.py    writes them again from bench/results/peers.json
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OURS = "zarrite"

# What the words of the comparison mean; the README shows these rows.
IN_README = {
    "raw.read": "whole array, uncompressed",
    "blosc.read": "whole array, blosc",
    "zstd.read": "whole array, zstd",
    "shard.read": "whole array, sharded, zstd",
    "shard.chunks": "shard by shard",
    "shard.inner": "300 single inner chunks",
    "small.read": "10,000 chunks of 4 kB",
    "small.points": "300 single cells",
    "shard.vindex": "100,000 scattered cells",
    "blosc.oindex": "a quarter of the rows on each axis",
    "zstd.write": "write whole array, zstd",
    "shard.write": "write whole array, sharded, zstd",
    "shard.patch": "patch 4 boxes inside shards",
    "small.open": "open 100 times",
    "tree.open": "open 1,000 arrays of a group",
}


def versions(requirements: Path) -> dict[str, str]:
    """The exact versions that a requirements file names."""
    lines = [line for line in requirements.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("==", 1) for line in lines)


def record(results: Path, facts: dict[str, Any], **more: Any) -> None:
    """Adds the circumstances of a run, and the rows of the scripts beside this one, to its results."""
    rows = json.loads(results.read_text())
    results.write_text(json.dumps({"facts": facts, "rows": rows, **more}, indent=1) + "\n")


def milliseconds(seconds: float | None) -> str:
    """A time as people read it."""
    if not seconds:
        return "–"
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 1 else f"{ms:.2f}"


def best_peer(row: dict[str, Any]) -> tuple[str, float] | None:
    """The fastest other library of a row."""
    others = [(seconds, name) for name, seconds in row["median"].items() if name != OURS and seconds]
    return (min(others)[1], min(others)[0]) if others else None


def ratios(rows: dict[str, Any]) -> list[float]:
    """The best peer's time over ours, for every row that has both."""
    return [
        best[1] / row["median"][OURS] for row in rows.values() if row["median"].get(OURS) and (best := best_peer(row))
    ]


def summary(document: dict[str, Any]) -> str:
    """One sentence on all rows."""
    facts, found = document["facts"], ratios(document["rows"])
    ahead = sum(ratio >= 1 for ratio in found)
    return (
        f"Measured {facts['date']} with `make bench` on {facts['machine']}, {facts['python']}, files on a tmpfs, "
        f"medians in milliseconds. Over all {len(found)} rows: ahead of every other library in {ahead}, geometric mean "
        f"{statistics.geometric_mean(found):.2f}x the best of them, worst row {min(found):.2f}x."
    )


def grid(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    rule = ["---", *(["---:"] * (len(head) - 1))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])


def short(document: dict[str, Any]) -> str:
    """The table of the README: ours, zarr-python, and whoever else was fastest."""
    lines = []
    for name, meaning in IN_README.items():
        row = document["rows"].get(name)
        best = best_peer(row) if row else None
        if row is None or best is None or not row["median"].get(OURS):
            continue
        ours, zarr = row["median"][OURS], row["median"].get("zarr")
        lines.append(
            [
                meaning,
                milliseconds(ours),
                milliseconds(zarr),
                f"{milliseconds(best[1])} ({best[0]})",
                f"{best[1] / ours:.2f}x",
            ]
        )
    head = ["", "zarrite", "zarr-python", "fastest other", "fastest other / zarrite"]
    return f"{grid(head, lines)}\n\n{summary(document)}"


def every(rows: dict[str, Any]) -> str:
    """A table of every row and every library, and the floor."""
    peers = sorted({name for row in rows.values() for name in row["median"]} - {OURS})
    lines = []
    for name, row in rows.items():
        best, ours = best_peer(row), row["median"].get(OURS)
        ratio = f"{best[1] / ours:.2f}x" if best and ours else "–"
        times = [milliseconds(row["median"].get(peer)) for peer in (OURS, *peers)]
        bounds = [milliseconds(row[bound]) for bound in ("limit", "alone") if bound in row]
        lines.append([f"`{name}`", *times, *bounds, ratio, f"{row['rss'].get(OURS, 0):.0f}"])
    bounds = ["floor", "in memory"][: len(bounds)]
    return grid(["", OURS, *peers, *bounds, "best other / zarrite", "zarrite's peak memory, MiB"], lines)


def long(document: dict[str, Any]) -> str:
    """The first table of docs/performance.md: files of this machine."""
    known = document["facts"]["versions"]
    against = ", ".join(
        f"{name} {known[name]}" for name in ("zarr", "zarrs", "zarrista", "tensorstore", "numpy") if name in known
    )
    return f"{summary(document)} Versions: {against}.\n\n{every(document['rows'])}"


def kinds(document: dict[str, Any]) -> str:
    """The second table of docs/performance.md: what only zarr-python can do, too."""
    lines = []
    for name, row in document["formats"].items():
        times = row["median"]
        lines.append(
            [
                f"`{name}`",
                *(milliseconds(times.get(library)) for library in (OURS, "zarr", "zarr2")),
                f"{min(times[library] for library in times if library != OURS) / times[OURS]:.2f}x",
            ]
        )
    return grid(["", OURS, "zarr-python 3", "zarr-python 2", "best other / zarrite"], lines)


def network(document: dict[str, Any]) -> str:
    """The third table of docs/performance.md: stores on a network."""
    return every(document["remote"])


def caches(found: dict[str, Any]) -> str:
    """The table of what is read again: the first time and later, with and without a cache."""
    variants = list(dict.fromkeys(name for row in found.values() for name in row))
    lines = []
    for name, row in found.items():
        for when in ("cold", "warm"):
            times = [row[variant][when] if variant in row else None for variant in variants]
            lines.append([f"{name}, {when}", *(milliseconds(time) for time in times)])
    return grid(["", *variants], lines)


def libraries(found: dict[str, Any]) -> str:
    """The table of what users of other libraries wait for: the clock's time, and the processor's in brackets."""
    peers = sorted({name for row in found.values() for name in row["median"]} - {OURS})
    lines = []
    for name, row in found.items():
        busy = row["busy"]
        cells = []
        for peer in (OURS, *peers):
            brackets = f" ({milliseconds(busy[peer])})" if peer in busy else ""
            cells.append(milliseconds(row["median"].get(peer)) + brackets)
        gained = []
        for times in (row["median"], busy):
            best = best_peer({"median": times})
            gained.append(f"{best[1] / times[OURS]:.2f}x" if best else "–")
        lines.append([name, *cells, *gained])
    return grid(["", OURS, *peers, "best other / zarrite", "the same, processor"], lines)


def fill(page: Path, name: str, text: str) -> None:
    """Puts text between the markers `<!-- name -->` and `<!-- /name -->` of a page."""
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    old = page.read_text()
    assert marks.search(old), f"{page} has no markers <!-- {name} -->"
    page.write_text(marks.sub(lambda found: f"{found[1]}{text}\n{found[2]}", old))


def publish(results: Path, root: Path) -> None:
    """Writes both tables."""
    document = json.loads(results.read_text())
    fill(root / "README.md", "speed", short(document))
    fill(root / "docs" / "performance.md", "speed", long(document))
    fill(root / "docs" / "performance.md", "formats", kinds(document))
    fill(root / "docs" / "performance.md", "remote", network(document))
    if "libraries" in document:
        fill(root / "docs" / "performance.md", "libraries", libraries(document["libraries"]))
    if "caches" in document:
        fill(root / "docs" / "performance.md", "caches", caches(document["caches"]))


if __name__ == "__main__":
    publish(ROOT / "bench" / "results" / "peers.json", ROOT)
    sys.exit(0)
