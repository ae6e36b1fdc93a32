"""Puts zarrite under the name zarr before zarr-python's tests are collected, and writes down what became of each.

What those tests import of zarr-python's inside, and zarrite has not, is a `Poison`: it does nothing while tests are
collected (in annotations, parameters, base classes) and skips the test that uses it.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import drawn
import inside
import pytest

import zarrite
from zarrite.as_zarr import MODULES

_running = False

# zarr-python's own tests for stores are a part of it. Where its source lies, they are taken from there.
_TESTING = {
    f"zarr.testing.{file.stem}": file
    for file in Path(os.environ.get("ZARR_PYTHON_SOURCE", ".")).glob("src/zarr/testing/[a-z]*.py")
}


class Poison:
    """A name of zarr-python's inside that zarrite has not."""

    def __init__(self, name: str) -> None:
        self._poison = name
        self.__module__, _, self.__name__ = name.rpartition(".")
        self.__qualname__ = self.__name__

    def _used(self) -> Poison:
        if _running:
            pytest.skip(f"internal: {self._poison}")
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._used()
        # As a decorator it leaves what it decorates.
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Poison(f"{self._poison}.{name}")

    def __getitem__(self, key: Any) -> Any:
        return self._used()

    def __iter__(self) -> Iterator[Any]:
        self._used()
        return iter(())

    def __len__(self) -> int:
        self._used()
        return 0

    def __bool__(self) -> bool:
        self._used()
        return True

    def __or__(self, other: Any) -> Any:
        return self

    __ror__ = __or__

    def __add__(self, other: Any) -> Any:
        return other

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        self._used()
        return self is other

    __hash__ = object.__hash__

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __instancecheck__(self, instance: object) -> bool:
        self._used()
        return False

    def __repr__(self) -> str:
        return f"<{self._poison}>"


def _lacking(modules: list[str], own: Any = None) -> Any:
    def find(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        full = [f"{module}.{name}" for module in modules]
        if name.startswith("__") or any(one in MODULES for one in full):
            raise AttributeError(name)
        for one in full:
            if one in inside.INSIDE:
                return inside.INSIDE[one]
            if any(known.startswith(one + ".") for known in inside.INSIDE):
                return importlib.import_module(one)
        return Poison(full[0])

    return find


class _Inside(Loader, MetaPathFinder):
    """Modules of zarr-python's inside."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _TESTING:
            return spec_from_file_location(fullname, _TESTING[fullname])
        above, _, name = fullname.rpartition(".")
        known = vars(sys.modules[above]).get(name) if above in sys.modules else None
        if fullname.startswith("zarr.") and fullname not in MODULES and not isinstance(known, type):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__file__ = ""
        module.__getattr__ = _lacking([spec.name])  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


zarrite.install_as_zarr()
sys.meta_path.insert(0, _Inside())
for _target in set(MODULES.values()):
    _names = [name for name, target in MODULES.items() if target == _target]
    for _name in _names:
        if _name not in _TESTING:
            _module = importlib.import_module(_name)
    _module.__getattr__ = _lacking(_names, _module.__dict__.get("__getattr__"))  # type: ignore[method-assign]
inside.private(zarrite.Array)
drawn.prepare()
for _name in inside.POISON:
    _where, _, _what = _name.rpartition(".")
    setattr(importlib.import_module(_where), _what, Poison(_name))


def pytest_pycollect_makemodule(module_path: Any, parent: Any) -> None:
    """Gives the tests' own helpers what they build of private parts."""
    helpers = sys.modules.get("tests.conftest")
    if helpers is not None:
        helpers.create_array_metadata = inside.create_array_metadata  # type: ignore[attr-defined]
        helpers.meta_from_array = inside.meta_from_array  # type: ignore[attr-defined]


# ---------------------------------------------------------------- texts
# What zarrite says is its own. An error of the right kind with another text is noted, and is no failure; nor is it one
# when a warning of zarr-python is not given: the rest of the test runs.

_other_texts: set[str] = set()
_quieter: set[str] = set()
_raises, _warns = pytest.raises, pytest.warns


class _Noting:
    """The context of `pytest.raises` or `pytest.warns`, whose `match` is looked at afterwards."""

    def __init__(self, context: Any, match: Any) -> None:
        self._context, self._match = context, match

    def __enter__(self) -> Any:
        self._entered = self._context.__enter__()
        return self._entered

    def __exit__(self, *failure: object) -> Any:
        try:
            done = self._context.__exit__(*failure)
        except pytest.fail.Exception as error:
            if "DID NOT WARN" not in str(error):
                raise
            _quieter.add(_test())
            return None
        texts = [str(failure[1])] if failure[1] is not None else [str(one.message) for one in self._entered or ()]
        if not any(re.search(self._match, text) for text in texts):
            _other_texts.add(_test())
        return done


def _test() -> str:
    return os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]


def _raising(*args: Any, match: Any = None, **kwargs: Any) -> Any:
    if match is None:
        return _raises(*args, **kwargs)
    if len(args) > 1:  # with a function to call, `match` is an argument of it
        return _raises(*args, match=match, **kwargs)
    return _Noting(_raises(*args, **kwargs), match)


def _warning(*args: Any, match: Any = None, **kwargs: Any) -> Any:
    if len(args) > 1:
        return _warns(*args, match=match, **kwargs)
    return _Noting(_warns(*args, **kwargs), match or "")


pytest.raises, pytest.warns = _raising, _warning  # type: ignore[assignment]
warnings.filterwarnings("ignore", message="Passing a non-Collection iterable")


# ---------------------------------------------------------------- the report

_found: dict[str, dict[str, str]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """From here on tests run."""
    global _running  # noqa: PLW0603
    _running = True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes what became of a test."""
    now = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
    known = _found.get(report.nodeid, {"outcome": "passed"})
    if report.when == "call" or now != "passed":
        worse = known["outcome"] == "failed"
        why = _why(report)
        _found[report.nodeid] = known if worse else {"outcome": now, "why": why}


def _why(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    return "" if crash is None else str(crash.message)[:600]


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Notes a file that could not be collected."""
    if report.failed:
        _found[report.nodeid] = {"outcome": "uncollected", "why": str(report.longrepr)[-600:]}


def pytest_sessionfinish() -> None:
    """Writes it all down."""
    for names, outcome in ((_other_texts, "another text"), (_quieter, "quieter")):
        for name in names:
            if _found.get(name, {}).get("outcome") == "passed":
                _found[name]["outcome"] = outcome
    Path(os.environ["ZARR_PYTHON_REPORT"]).write_text(json.dumps(_found, indent=0, sort_keys=True))
