"""Attributes of an array or group as a mutable mapping. Every call that changes them writes one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol

import numpy as np

__all__ = ["Attributes", "copied"]

Change = Callable[[dict[str, Any]], dict[str, Any]]


class Attributed(Protocol):
    """A handle whose attributes can be read and changed."""

    def _attributes(self) -> Mapping[str, Any]: ...
    def _change_attributes(self, change: Change) -> None: ...


def copied(value: Any) -> Any:
    """A JSON value copied through and through; NumPy scalars and arrays become numbers and lists."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value


class Attributes(MutableMapping[str, Any]):
    """What a node's document says about it, by name. Values are JSON.

    Reading never asks the store: the attributes are those of the handle's model. Each changing call reads the
    attributes that are stored, changes them and writes one document, on the condition that nobody else has meanwhile;
    so neither threads nor processes undo each other.

    Example:
        >>> import zarrite
        >>> array = zarrite.zeros((3,), attributes={"units": "K"})
        >>> array.attrs["units"]
        'K'
        >>> array.attrs.update(long_name="temperature", valid_min=0)
        >>> sorted(array.attrs)
        ['long_name', 'units', 'valid_min']
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Attributed) -> None:
        self._owner = owner

    def __getitem__(self, name: str) -> Any:
        return copied(self._owner._attributes()[name])

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._owner._attributes()))

    def __len__(self) -> int:
        return len(self._owner._attributes())

    def __contains__(self, name: object) -> bool:
        return name in self._owner._attributes()

    def __setitem__(self, name: str, value: Any) -> None:
        self._owner._change_attributes(lambda now: {**now, name: copied(value)})

    def __delitem__(self, name: str) -> None:
        def change(now: dict[str, Any]) -> dict[str, Any]:
            del now[name]
            return now

        self._owner._change_attributes(change)

    def asdict(self) -> dict[str, Any]:
        """All attributes: a copy that can be changed freely."""
        return {name: copied(value) for name, value in self._owner._attributes().items()}

    def put(self, attributes: Mapping[str, Any]) -> None:
        """Replaces all attributes by these."""
        new = {name: copied(value) for name, value in attributes.items()}
        self._owner._change_attributes(lambda _: new)

    def update(  # type: ignore[override]
        self, attributes: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **named: Any
    ) -> None:
        """Adds and replaces attributes, all with one write."""
        new = {name: copied(value) for name, value in dict(attributes, **named).items()}
        self._owner._change_attributes(lambda now: {**now, **new})

    def clear(self) -> None:
        """Removes all attributes, with one write."""
        self.put({})

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The attribute's value; written first, as `default`, where it is missing."""
        try:
            return self[name]
        except KeyError:
            self[name] = default
            return default

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Attributes):
            return self.asdict() == other.asdict()
        return self.asdict() == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<zarrite.Attributes {self.asdict()!r}>"
