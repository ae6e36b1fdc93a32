"""The tests of xarray and dask, as their wheels bring them, run over zarrite.

A plugin of the pytest that runs them in a process of its own, `pytest -p libraries.suites --pyargs MODULE`: it puts
zarrite under the name `zarr` before they are imported, sets what the libraries' own repositories set, and writes down
what came of every case.

`SUITES_REPORT` names the file for that, `SUITES_ENGINE=zarrite` has `engine="zarr"` mean `engine="zarrite"` to xarray.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import zarrite

zarrite.install_as_zarr()

MARKS = (
    "skip_if_param(reason, condition, **params): skipped where it has those parameters",
    "skip_with_dask_array: for another array library",
    "flaky: for another plugin",
    "network: needs one",
    "slow: takes long",
)

_found: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    # dask's own settings.
    config.addinivalue_line("filterwarnings", "error:The input Dask array will be rechunked")
    if os.environ.get("SUITES_ENGINE") == "zarrite":
        _take_engine()


def _take_engine() -> None:
    """Has xarray open with zarrite's entry point where zarr's is asked for."""
    backends = importlib.import_module("xarray.backends")
    ours = importlib.import_module("zarrite.xarray").ZarriteBackendEntrypoint
    plugins = importlib.import_module("xarray.backends.plugins")
    backends.common.BACKEND_ENTRYPOINTS["zarr"] = ("zarr", ours)
    plugins.list_engines.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # As the conftest of xarray's repository, which is not in its wheel.
    for item in items:
        params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        for mark in item.iter_markers("skip_if_param"):
            asked = dict(mark.kwargs)
            reason, condition = asked.pop("reason", ""), asked.pop("condition", True)
            if asked == {"tmp_store": "ZipStore"}:
                continue  # skipped since zarr-python cannot open an archive again in another mode
            if condition and all(name in params and params[name] == value for name, value in asked.items()):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
    if report.when == "call" or outcome != "passed":
        name = report.nodeid.removeprefix("::").partition(".py::")[2] or report.nodeid.removeprefix("::")
        if _found.get(name) != "failed":
            _found[name] = outcome


def pytest_sessionfinish() -> None:
    report = os.environ.get("SUITES_REPORT")
    if report:
        Path(report).write_text(json.dumps(_found, indent=0, sort_keys=True), encoding="utf-8")
