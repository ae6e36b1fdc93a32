"""The page of the matrix: what is wrong first, then who reads whom, then what each knows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from known import reason
from peers import ELSEWHERE

if TYPE_CHECKING:
    from runner import Cell, Run

__all__ = ["faults", "is_ours", "summary", "written"]

RIGHT, REFUSED, WRONG, CRASHED = "right", "refused", "WRONG", "crashed"
OWN = "zarrite"
NAMED_IN_A_ROW = 3
QUOTED = re.compile(r"chunk '[^']*'")
"""What differs between sentences that say the same."""
ABOUT = """\
This page is written by `make matrix`. Every implementation writes each case, every other reads what was written, and
the bytes of the cells are compared with those that were to be stored. A case is a format, a data type, a codec and a
layout, or one of the arrays that the tests have by name. A writer is given the array's document, makes the array with
its own functions where they can say it, and writes the cells."""
OUTCOMES = """\
A cell is *right* when every bit came back, *refused* when an error said so, *wrong* when other bits came back without
an error, *crashed* when the process died or did not answer."""
READING = """\
Right cells, of all that a writer wrote and a reader was given; wrong ones in bold. The first column says how many cases
were written."""
KNOWING = """\
`rw`: at least one case was written by it and read by another, and one read that another wrote; `r` and `w`: one of the
two; nothing: neither. All formats together."""
WORDS = {"read": "reads", "write": "writes"}


class Group(NamedTuple):
    """Wrong cells of one kind.

    Attributes:
        who: the implementation at fault.
        do: "read" or "write".
        reason: why, or "" where nobody has looked into it.
        cells: the cells.
    """

    who: str
    do: str
    reason: str
    cells: list[Cell]


def blamed(cells: list[Cell]) -> dict[str, tuple[str, str]]:
    """Who is at fault for each wrong reader of what one writer made of one case.

    Who is known to do so is: the writer where nobody else reads it as it should be. Else readers are, where at least as
    many others read it right; else the writer.
    """
    writer, case = cells[0].writer, cells[0].case
    right = [cell for cell in cells if cell.outcome == RIGHT and cell.reader != writer]
    wrong = [cell.reader for cell in cells if cell.outcome == WRONG]
    agreed = right and len(right) >= len([name for name in wrong if name != writer])
    found: dict[str, tuple[str, str]] = {}
    for reader in wrong:
        if reason(writer, "write", case) and not (right and reason(reader, "read", case)):
            found[reader] = writer, "write"
        elif reason(reader, "read", case):
            found[reader] = reader, "read"
        else:
            found[reader] = (reader, "read") if agreed else (writer, "write")
    return found


def faults(cells: Iterable[Cell]) -> list[Group]:
    """The wrong cells, by who is at fault and why; those without a reason first."""
    together: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        together[cell.case.name, cell.writer].append(cell)
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for written in together.values():
        fault = blamed(written)
        for cell in written:
            if cell.outcome == WRONG:
                who, do = fault[cell.reader]
                groups[who, do, reason(who, do, cell.case)].append(cell)
    found = [Group(*key, held) for key, held in groups.items()]
    return sorted(found, key=lambda group: (group.who != OWN, bool(group.reason), group.who, group.do))


def is_ours(group: Group) -> bool:
    """Whether zarrite is at fault."""
    return group.who == OWN


def summary(run: Run) -> str:
    """How it went, in one line."""
    counts = Counter(cell.outcome for cell in run.cells)
    words = ", ".join(f"{counts[word]:,} {word}" for word in (RIGHT, REFUSED, WRONG, CRASHED))
    return f"{run.what}, {len(run.versions)} implementations, {run.seconds:.0f} s: {words}"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def written(run: Run) -> str:
    """The page."""
    names = [peer.name for peer in run.versions]
    parts = [
        "# The implementation matrix",
        ABOUT,
        f"Run on {run.day}: {summary(run)}.",
        OUTCOMES,
        "## Wrong cells",
        wrong_cells(run.cells),
        "## Crashes",
        crashes(run.cells),
        "## What zarrite refuses",
        refused_by(OWN, run.cells),
        "## Who reads whom",
        READING,
        who_reads_whom(run.cells, names),
        "## What each knows",
        KNOWING,
        known_by(run.cells, names, "data type", lambda case: case.data_type),
        known_by(run.cells, names, "codec", lambda case: case.codec),
        known_by(run.cells, names, "layout", lambda case: case.layout if case.codec else ""),
        "## Implementations",
        table(
            ["implementation", "version", "language", "formats", ""],
            [
                [peer.name, version, peer.language, ", ".join(peer.formats), peer.note]
                for peer, version in run.versions.items()
            ],
        ),
    ]
    absent = {**run.absent, **ELSEWHERE}
    parts += ["Not here:", table(["implementation", "why"], [[name, reason] for name, reason in absent.items()])]
    return "\n\n".join(parts) + "\n"


def wrong_cells(cells: list[Cell]) -> str:
    """Every group of wrong cells, zarrite's own first."""
    groups = faults(cells)
    ours = sum(len(group.cells) for group in groups if is_ours(group))
    lines = [f"zarrite is at fault in {ours or 'none'} of them."]
    if groups:
        lines.append(
            table(
                ["at fault", "cells", "cases", "why"],
                [
                    [f"{one.who} {WORDS[one.do]}", f"{len(one.cells):,}", cases_of(one.cells), why(one)]
                    for one in groups
                ],
            )
        )
    return "\n\n".join(lines)


def why(group: Group) -> str:
    """The reason, or the first difference as it was seen."""
    if group.reason:
        return group.reason
    first = group.cells[0]
    return f"not looked into; {first.writer} to {first.reader}: {first.said}"


def cases_of(cells: Iterable[Cell]) -> str:
    """Some names of cases, and how many more there are."""
    names = list(dict.fromkeys(cell.case.name for cell in cells))
    more = f" and {len(names) - NAMED_IN_A_ROW:,} more" if len(names) > NAMED_IN_A_ROW else ""
    return "; ".join(names[:NAMED_IN_A_ROW]) + more


def crashes(cells: list[Cell]) -> str:
    """Who died, and over what."""
    found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.outcome == CRASHED:
            found[cell.reader or cell.writer, cell.said].append(cell)
    if not found:
        return "None."
    return table(
        ["implementation", "cells", "cases", "last words"],
        [[who, f"{len(held):,}", cases_of(held), said] for (who, said), held in sorted(found.items())],
    )


def refused_by(name: str, cells: list[Cell]) -> str:
    """What an implementation did not read of what others wrote, and its words."""
    found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.outcome == REFUSED and cell.reader == name:
            found[cell.writer, QUOTED.sub("..", cell.said)].append(cell)
    if not found:
        return "Nothing of what others wrote."
    return table(
        ["written by", "cells", "cases", "its words"],
        [[writer, f"{len(held):,}", cases_of(held), said] for (writer, said), held in sorted(found.items())],
    )


def who_reads_whom(cells: list[Cell], names: list[str]) -> str:
    """Writers down, readers across."""
    counts = Counter((cell.writer, cell.reader, cell.outcome) for cell in cells)
    wrote = {name: {cell.case.name for cell in cells if cell.writer == name and cell.reader} for name in names}

    def shown(writer: str, reader: str) -> str:
        right, refused, wrong, crashed = (
            counts[writer, reader, outcome] for outcome in (RIGHT, REFUSED, WRONG, CRASHED)
        )
        total = right + refused + wrong + crashed
        if not total:
            return ""
        return f"{right:,}/{total:,}" + (f" **{wrong:,}**" if wrong else "")

    rows = [
        [writer, f"{len(wrote[writer]):,}", *(shown(writer, reader) for reader in names)]
        for writer in names
        if wrote[writer]
    ]
    return table(["written by", "cases", *names], rows)


def known_by(cells: list[Cell], names: list[str], what: str, part: object) -> str:
    """What each implementation was seen to read and to write."""
    assert callable(part)
    reads: set[tuple[str, str]] = set()
    writes: set[tuple[str, str]] = set()
    seen: dict[str, None] = {}
    for cell in cells:
        value = part(cell.case)
        if not value:
            continue
        seen.setdefault(value)
        if cell.outcome == RIGHT and (cell.reader != cell.writer or len(names) == 1):
            reads.add((cell.reader, value))
            writes.add((cell.writer, value))

    def shown(name: str, value: str) -> str:
        return ("r" if (name, value) in reads else "") + ("w" if (name, value) in writes else "")

    return table([what, *names], [[f"`{value}`", *(shown(name, value) for name in names)] for value in sorted(seen)])
