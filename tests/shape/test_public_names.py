"""The public names are a promise: a change of them is a change of tests/shape/public_names.txt."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import zarrite

LIST = Path(__file__).parent / "public_names.txt"
MODULES = tuple(
    f"zarrite{name}"
    for name in (
        "",
        ".check",
        ".codecs",
        ".convert",
        ".dtype",
        ".errors",
        ".progress",
        ".storage",
        ".stores",
        ".testing",
    )
)
CLASSES = (zarrite.Array, zarrite.Group)


def public_names() -> list[str]:
    """Every public name: what the modules list in `__all__`, and the members of what users hold."""
    names = [f"{module}.{name}" for module in MODULES for name in importlib.import_module(module).__all__]
    members = [f"zarrite.{cls.__name__}.{name}" for cls in CLASSES for name in dir(cls) if not name.startswith("_")]
    return sorted(names + members)


def test_the_public_names_are_the_listed_ones() -> None:
    assert public_names() == LIST.read_text().split(), (
        "if this is meant, write the list anew: python tests/shape/test_public_names.py"
    )


def test_every_listed_name_is_there() -> None:
    missing = []
    for module in MODULES:
        found = importlib.import_module(module)
        missing += [f"{module}.{name}" for name in found.__all__ if not hasattr(found, name)]
    assert missing == []


def test_every_public_function_and_class_says_what_it_is() -> None:
    silent = [
        name
        for name in zarrite.__all__
        if callable(found := getattr(zarrite, name)) and not (inspect.getdoc(found) or "").strip()
    ]
    assert silent == []


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert (Path(zarrite.__file__).parent / "py.typed").exists()


if __name__ == "__main__":
    LIST.write_text("\n".join(public_names()) + "\n")
