"""What a server can be told to do while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from servers.faults import Fault

MIB = 1024 * 1024
CHOICES = {
    "suffix_ranges": ("yes", "whole", "refuse"),
    "conditional_puts": ("yes", "ignore", "refuse"),
    "etags": ("md5", "counter"),
}


@dataclass(slots=True)
class Knobs:
    """Every setting, with what a good server does as the default.

    Args:
        latency: seconds between the whole request and its effect; its answer leaves right after.
        jitter: up to so many seconds more, evenly spread.
        bandwidth: bytes a second of all connections together, each way counted; 0 for no limit.
        bandwidth_per_connection: the same for each connection.
        faults: what goes wrong; the first that strikes a request is the one.
        stale_reads: GET and HEAD answer as of so many seconds ago. Set before the writes that are to be late: the past
            is kept from then on.
        stale_lists: the same for lists.
        missing_status: 404, or 403 as for a caller who may not list.
        denied: beginnings of keys that nobody may touch.
        access_key: the one key that is let in; empty for anyone, anonymous too. Signatures are never checked.
        session_token: the one token that is let in; empty for any.
        requester_pays: whether requests must say that they pay.
        ranges: whether Range is heeded; the whole object comes otherwise.
        suffix_ranges: `yes`; `whole`: the whole object comes; `refuse`: 416.
        conditional_puts: `yes`; `ignore`: If-Match and If-None-Match of a PUT go unheeded; `refuse`: 501.
        batch_deletes: whether a POST may delete many; 501 otherwise.
        plain: a web server of the first bucket: GET and HEAD, no list, no bucket in the path.
        page: the most keys in one answer of a list.
        smallest_part: bytes that every part but the last must have.
        etags: `md5` of the content, as S3; `counter`: a new one for each write, and faster.
        requests_per_connection: after so many a connection is closed in good order; 0 for no limit.
        seed: of the jitter.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float = 0.0
    bandwidth_per_connection: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    stale_reads: float = 0.0
    stale_lists: float = 0.0
    missing_status: int = 404
    denied: list[str] = field(default_factory=list)
    access_key: str = ""
    session_token: str = ""
    requester_pays: bool = False
    ranges: bool = True
    suffix_ranges: str = "yes"
    conditional_puts: str = "yes"
    batch_deletes: bool = True
    plain: bool = False
    page: int = 1000
    smallest_part: int = 5 * MIB
    etags: str = "md5"
    requests_per_connection: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Refuses what no server could do."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if self.missing_status not in {403, 404}:
            raise ValueError(f"missing_status is 404 or 403, not {self.missing_status}")

    def told(self, changes: Mapping[str, Any]) -> Knobs:
        """These settings with some changed; faults are mappings or `Fault`."""
        unknown = changes.keys() - {each.name for each in fields(Knobs)}
        if unknown:
            raise ValueError(f"no such knob: {', '.join(sorted(unknown))}")
        now = {each.name: getattr(self, each.name) for each in fields(Knobs)} | dict(changes)
        now["faults"] = [fault if isinstance(fault, Fault) else Fault(**fault) for fault in now["faults"]]
        for name, value in changes.items():
            default = getattr(Knobs(), name)
            wanted = (int, float) if isinstance(default, float) else type(default)
            if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
                raise TypeError(f"{name} is like {default!r}, not {value!r}")
        return Knobs(**now)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON takes them."""
        told = asdict(self)
        for fault in told["faults"]:
            del fault["_random"]
        return told

    @property
    def remembers(self) -> float:
        """For how many seconds what was replaced must be kept."""
        return max(self.stale_reads, self.stale_lists)
