"""What checking finds."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["ERROR", "NOTE", "WARNING", "Checked", "Finding", "Repair"]

ERROR, WARNING, NOTE = "error", "warning", "note"
ORDER = (ERROR, WARNING, NOTE)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: "error" (the specification forbids it, or cells are lost), "warning" (some readers refuse or misread
            it, or something lies there that should not) or "note" (worth knowing).
        node: path of the node, "/" for the root.
        key: the object it is about.
        rule: what was looked for, in words joined by hyphens.
        message: what was found.
        way_out: what can be done about it.
        repairable: whether it can be put right without guessing; `check(..., repair=True)` does.
    """

    severity: str
    node: str
    key: str
    rule: str
    message: str
    way_out: str
    repairable: bool = False

    def __str__(self) -> str:
        return f"{self.severity}: {self.node} ({self.key}): {self.message}; {self.way_out}"


@dataclasses.dataclass(frozen=True, slots=True)
class Repair:
    """One object that was put right, or would be.

    Attributes:
        key: the object.
        rules: the findings that it answers.
        backup: where the bytes are that it had before; empty where there were none.
    """

    key: str
    rules: tuple[str, ...]
    backup: str


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check.

    Attributes:
        place: what was checked.
        findings: what was found, the gravest first, then by node.
        groups: how many groups there are.
        arrays: how many arrays there are.
        objects: how many objects the store holds there.
        chunks: how many stored chunks (or shards) the arrays have.
        chunks_read: how many of them were decoded.
        repairs: what was put right, or would be with `dry_run`.
        dry_run: whether the repairs were only named.
        seconds: how long it took.
    """

    place: str
    findings: tuple[Finding, ...]
    groups: int
    arrays: int
    objects: int
    chunks: int
    chunks_read: int
    repairs: tuple[Repair, ...]
    dry_run: bool
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether there is no finding of severity "error"."""
        return not self.count(ERROR)

    def count(self, severity: str) -> int:
        """How many findings of a severity there are."""
        return sum(1 for finding in self.findings if finding.severity == severity)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return dataclasses.asdict(self) | {
            "clean": self.is_clean,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "repairs": [dataclasses.asdict(repair) for repair in self.repairs],
        }


def sort_key(finding: Finding) -> tuple[int, str, str, str]:
    """The gravest first, then by node and object."""
    return ORDER.index(finding.severity), finding.node, finding.key, finding.rule
