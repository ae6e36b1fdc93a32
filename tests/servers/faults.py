"""What goes wrong, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from servers.http1 import Request

ON_THE_WIRE = ("reset", "torn", "short", "long", "stall")
KINDS = ("status", "page", *ON_THE_WIRE)


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with every nth of the requests it is meant for.

    Args:
        kind: `status`: an error of that status and `code`. `page`: 200 with an HTML page, as a login portal answers.
            `reset`: the connection is reset. `torn`: half of the body, then the connection closes. `short`: half of the
            body, and a Content-Length that agrees with it. `long`: a Content-Length above the body's, then the
            connection closes. `stall`: half of the body, then silence.
        every: 1 for each request, 3 for the third, the sixth and so on.
        chance: instead of `every`: how likely it is, from 0 to 1, in a sequence that `seed` settles.
        times: how often at most; -1 for no end.
        skip: how many requests pass before the count begins.
        acts: whether the request is carried out all the same, so that only its answer is lost. An answer that is
            spoilt is always one of a request that was carried out.
        method, operation, key: which requests it is meant for; of `key`, the beginning.
        retry_after: seconds for the header of that name; negative for none.
    """

    kind: str = "status"
    status: int = 500
    code: str = ""
    every: int = 1
    chance: float = 0.0
    seed: int = 0
    times: int = -1
    skip: int = 0
    acts: bool = False
    method: str = ""
    operation: str = ""
    key: str = ""
    retry_after: float = -1.0
    seen: int = 0
    struck: int = 0
    _random: random.Random | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.every < 1:
            raise ValueError(f"`every` is 1 or more, not {self.every}")
        # An answer can be spoilt only where there is one.
        self.acts = self.acts or self.kind in {"torn", "short", "long", "stall"}

    @property
    def on_the_wire(self) -> bool:
        """Whether the answer is right and its bytes are not."""
        return self.kind in ON_THE_WIRE

    def strikes(self, request: Request) -> bool:
        """Counts a request, and says whether it is one that goes wrong."""
        if (
            (self.method and self.method != request.method)
            or (self.operation and self.operation != request.operation)
            or not request.key.startswith(self.key)
            or self.struck == self.times
        ):
            return False
        self.seen += 1
        if self.seen <= self.skip:
            return False
        if self.chance:
            self._random = self._random or random.Random(self.seed)
            hit = self._random.random() < self.chance
        else:
            hit = (self.seen - self.skip) % self.every == 0
        self.struck += hit
        return hit
