"""Checking: is a hierarchy what the specification says, can it be read whole, and what can be put right.

`zarrite.check(place)` is all most people need; it gives a `Checked`, which holds a `Finding` for each thing that was
found.
"""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any

from zarrite.check.findings import Checked, Finding, Repair
from zarrite.check.run import check

__all__ = ["Checked", "Finding", "Repair", "check"]


class _Check(types.ModuleType):
    """This module, which is called as its one function is: `zarrite.check(...)`.

    Importing a submodule binds the module to the name `check` of its parent, whatever function was bound there; so the
    module answers the call itself.
    """

    def __call__(self, *args: Any, **keywords: Any) -> Checked:
        return check(*args, **keywords)


sys.modules[__name__].__class__ = _Check
__signature__ = inspect.signature(check)
