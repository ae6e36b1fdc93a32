"""Checks for values that come from documents and users, and the root of the small frozen classes.

Every check takes what the value is called and says in one sentence what it must be and what to do. Nothing here
knows where the value stood; `formats` puts the node's path and the member in front of the sentence.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, NoReturn, Self, SupportsIndex

from ..errors import MetadataTypeError, MetadataValidationError

MAX_INT64 = 2**63 - 1
MAX_AXES = 64
"""NumPy has no arrays with more axes than this."""


class Frozen:
    """A small value: set once, compared and hashed by what it holds.

    Subclasses name their attributes in `__slots__` and set each of them once, in `__init__`. A data class would say the
    same, at ten times the cost of import.
    """

    __slots__ = ()
    fields: ClassVar[tuple[str, ...]] = ()
    """The names of everything an instance holds, the parents' first."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.fields = (*cls.fields, *cls.__dict__.get("__slots__", ()))

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__}.{name} cannot change; make a new {type(self).__name__}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be removed")

    def values(self) -> tuple[Any, ...]:
        """What this holds, in the order of its fields."""
        return tuple(getattr(self, name) for name in self.fields)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.values() == other.values()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self.values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.fields)
        return f"{type(self).__name__}({inside})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def brief(value: object, length: int = 60) -> str:
    """The value as it may stand in an error: short, whatever it is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # too deep to print, or an integer with too many digits to print
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= length else text[: length - 3] + "..."


def refusal(what: str, must: str, found: object) -> MetadataValidationError:
    """The one sentence every check ends in."""
    return MetadataValidationError(f"{what} must be {must}, not {brief(found)}")


def refuse(what: str, must: str, found: object) -> NoReturn:
    """Raises it."""
    raise refusal(what, must, found)


def mistake(what: str, must: str, found: object) -> NoReturn:
    """Raises it for a value of the wrong type."""
    raise MetadataTypeError(str(refusal(what, must, found)))


def integer(value: object, what: str, low: int = 0, high: int = MAX_INT64) -> int:
    """The value as an int from `low` to `high`; NumPy's integers are welcome, booleans and floats are not."""
    if type(value) is int:
        number = value
    elif isinstance(value, bool) or not isinstance(value, SupportsIndex):
        mistake(what, "an integer", value)
    else:
        number = value.__index__()
    if not low <= number <= high:
        limits = f"at least {low}" if high == MAX_INT64 and number < low else f"from {low} to {high}"
        refuse(what, limits, number)
    return number


def integers(value: object, what: str, low: int = 0) -> tuple[int, ...]:
    """The value, a list or tuple, as a tuple of ints that are at least `low`."""
    if type(value) is not list and type(value) is not tuple:
        refuse(what, "a list of integers", value)
    if len(value) > MAX_AXES:
        raise MetadataValidationError(f"{what} has {len(value)} entries; arrays have at most {MAX_AXES} axes")
    for number in value:
        if type(number) is not int or not low <= number <= MAX_INT64:
            return tuple(integer(number, f"each entry of {what}", low) for number in value)
    return tuple(value)


def choice(value: object, what: str, among: tuple[Any, ...]) -> Any:
    """The value, which must be one of a few; a member of an enumeration is what it stands for."""
    if isinstance(value, enum.Enum):
        value = value.value
    for known in among:
        if type(value) is type(known) and value == known:
            return value
    refuse(what, "one of " + ", ".join(repr(known) for known in among), value)


def text(value: object, what: str) -> str:
    """The value, which must be a string."""
    if not isinstance(value, str):
        refuse(what, "a string", value)
    return value


def flag(value: object, what: str) -> bool:
    """The value, which must be true or false."""
    if not isinstance(value, bool):
        refuse(what, "true or false", value)
    return value


def mapping(value: object, what: str) -> dict[str, Any]:
    """The value, which must be a JSON object."""
    if not isinstance(value, dict):
        refuse(what, "a JSON object", value)
    return value


def named(value: object, what: str) -> tuple[str, dict[str, Any]]:
    """Name and configuration of an extension, which is a string or an object.

    Source: Zarr v3 core, "extension definition"; format reference 1.2.
    """
    if type(value) is str:
        return value, {}
    if not isinstance(value, dict):
        refuse(what, "a name or an object with a name", value)
    name = value.get("name")
    if type(name) is not str:
        refuse(f"the name of {what}", "a string", name)
    configuration = value.get("configuration")
    if configuration is None:
        configuration = {}
    elif type(configuration) is not dict:
        refuse(f"the configuration of {what} {name!r}", "a JSON object", configuration)
    if len(value) > 1 + ("configuration" in value):
        extra = sorted(str(key) for key in value if key not in {"name", "configuration", "must_understand"})
        if extra:
            raise MetadataValidationError(
                f"{what} {name!r} has members no reader knows: {', '.join(extra)}; remove them"
            )
        flag(value.get("must_understand", True), f"must_understand of {what} {name!r}")
    return name, configuration


def only(configuration: dict[str, Any], allowed: tuple[str, ...], what: str) -> None:
    """Refuses members of a configuration that nobody defined: ignoring one could mean reading wrong data."""
    for key in configuration:
        if key not in allowed:
            known = ", ".join(allowed) or "none"
            raise MetadataValidationError(f"{what} has no parameter {brief(key)}; it has: {known}")
