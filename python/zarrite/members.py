"""What a group holds: finding, listing and showing its members."""

# ruff: noqa: ARG002 -- keywords of zarr-python that ask for nothing here are taken and not looked at

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, Self

from zarrite import formats, stored
from zarrite._engine import Store
from zarrite._verb import Flow, Steps, verb
from zarrite.array import Array
from zarrite.attributes import Attributes, copied
from zarrite.catalog import Catalog, catalog_of
from zarrite.described import Located
from zarrite.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
    UnknownNameError,
)
from zarrite.info import GroupInfo, Tree
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.node import Model, Seat, ancestors, fetch, fetch_many, publish, seat_of
from zarrite.stores import address, join, normalize_path

__all__ = ["Members"]

# Members that a notebook shows.
MOST_SHOWN = 100

TREE_NODES = 500


class Members(Located):
    """A group as far as it is read; `Group` adds what changes it."""

    __slots__ = ("__weakref__", "_catalog", "_model", "_seat")

    def __init__(
        self,
        store: Store,
        path: str = "",
        model: GroupModel | None = None,
        seat: Seat | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        if model is None:
            store, path, model, seat, catalog = _parts(store)
        self._store = store
        self._path = path
        self._model = model
        self._seat = seat_of(store, path) if seat is None else seat
        self._catalog = catalog_of(path, model, self._seat) if catalog is None else catalog

    def _handle(self, path: str, model: Model, seat: Seat | None = None) -> Array | Self:
        """The handle of a member."""
        if isinstance(model, ArrayModel):
            return Array(self._store, path, model, None, seat, self._catalog)
        return type(self)(self._store, path, model, seat, self._catalog)

    # ---------------------------------------------------------------- facts

    @property
    def metadata(self) -> GroupModel:
        """The model: everything the group's document says."""
        return self._model

    @property
    def zarr_format(self) -> int:
        """The number of the format the group is stored in."""
        return self._model.zarr_format

    @property
    def read_only(self) -> bool:
        """Whether writes are refused: by the store, or because the group's format is never written."""
        return self._store.read_only or bool(self._model.why_read_only)

    @property
    def synchronizer(self) -> None:
        """Always `None`: writers of one chunk take turns by themselves."""
        return

    @property
    def attrs(self) -> Attributes:
        """The attributes; changing them writes the group's document."""
        return Attributes(self)

    def _attributes(self) -> Mapping[str, Any]:
        return self._model.attributes

    def _publish_attributes(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Steps[None]:
        def with_change(model: GroupModel) -> GroupModel:
            return model.with_attributes(change(dict(model.attributes)))

        self._model = yield from publish(self._store, self._path, self._seat, with_change, self._model, self._catalog)

    @verb
    def _change_attributes(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Steps[None]:
        yield from self._publish_attributes(change)

    @verb
    def update_attributes(self, new_attributes: Mapping[str, Any]) -> Steps[Self]:
        """Adds and replaces attributes with one write; gives the group."""
        new = {name: copied(value) for name, value in new_attributes.items()}
        yield from self._publish_attributes(lambda now: {**now, **new})
        return self

    @property
    def _async_group(self) -> Any:
        return import_module("zarrite.as_zarr.nodes").AsyncGroup(self)  # by name, since it is made of this class

    # ---------------------------------------------------------------- one member

    def _member_path(self, name: str) -> str:
        if not isinstance(name, str):
            raise TypeError(
                f"members are called by text, not {type(name).__name__}; choose one by its name, group['name'], "
                "and cells in an array, group['name'][0]"
            )
        return join(self._path, normalize_path(name))

    def _find(self, name: str) -> Steps[Array | Self | None]:
        path = self._member_path(name)
        if path == self._path:
            return self
        catalog = self._catalog
        if catalog is not None and catalog.serves:
            found = catalog.get(path)
            return None if found is None else self._handle(path, found)
        model, seat = yield from fetch(self._store, path, self._model.zarr_format, copies=not self._store.read_only)
        if model is None:
            model = yield from self._bare(path)
        return None if model is None else self._handle(path, model, seat)

    def _bare(self, path: str) -> Steps[Model | None]:
        """The group that a directory without documents is, in a format that has such; `None` in the others."""
        group = formats.bare_group(self._model.zarr_format)
        if group is None:
            return None
        keys, below = yield self._store.list_dir(path)
        if not keys and not below:
            return None
        # What lies below an array are its chunks.
        between = [above for above in ancestors(path) if len(above) > len(self._path)]
        models = yield from fetch_many(self._store, between, self._model.zarr_format)
        return None if any(isinstance(model, ArrayModel) for model in models) else group

    @verb
    def _member(self, name: str) -> Steps[Array | Self]:
        found = yield from self._find(name)
        if found is None:
            raise (yield from self._absent(name))
        return found

    def _alike(self, name: str) -> Steps[tuple[str, ...]]:
        from zarrite.looking import near

        return (yield from near(self._store, self._member_path(name)))

    def _absent(self, name: str) -> Steps[UnknownNameError]:
        """The error of a member that is not there; says which names are like its own, where looking is cheap."""
        alike = yield from self._alike(name)
        meant = f"; did you mean {' or '.join(map(repr, alike))}?" if alike else "; keys() lists those that are there"
        return UnknownNameError(f"no member {name!r} in the group {self.url}{meant}")

    def __getitem__(self, name: str) -> Array | Self:
        return self._member(name)

    @verb
    def get(self, path: str, default: Any = None) -> Steps[Any]:
        """A member, or `default` where there is none."""
        found = yield from self._find(path)
        return default if found is None else found

    @verb
    def get_array(self, path: str) -> Steps[Array]:
        """A member that is an array.

        Raises:
            ArrayNotFoundError: there is no such member.
            ContainsGroupError: it is a group.
        """
        found = yield from self._find(path)
        if found is None:
            raise ArrayNotFoundError(self._store.url, self._member_path(path), near=(yield from self._alike(path)))
        if not isinstance(found, Array):
            raise ContainsGroupError(f"member {path!r} of {self.url} is a group, not an array; get_group gives it")
        return found

    @verb
    def get_group(self, path: str) -> Steps[Self]:
        """A member that is a group.

        Raises:
            GroupNotFoundError: there is no such member.
            ContainsArrayError: it is an array.
        """
        found: Array | Self | None = yield from self._find(path)
        if found is None:
            raise GroupNotFoundError(self._store.url, self._member_path(path), near=(yield from self._alike(path)))
        if isinstance(found, Array):
            raise ContainsArrayError(f"member {path!r} of {self.url} is an array, not a group; get_array gives it")
        return found

    @verb
    def contains(self, name: str) -> Steps[bool]:
        """Whether there is a member of a name; also written `name in group`."""
        found = yield from self._find(name)
        return found is not None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.contains(name)

    # ---------------------------------------------------------------- all members

    def _names(self, path: str) -> Steps[list[str]]:
        """The names directly below a path: from the catalog, or with one listing."""
        catalog = self._catalog
        if catalog is not None and catalog.serves:
            return list(catalog.level(path))
        _, below = yield self._store.list_dir(path)
        return list(below)

    @verb
    def keys(self) -> Steps[Iterator[str]]:
        """The names of the members, in order. One listing and no more: what lies there is not opened."""
        names = yield from self._names(self._path)
        return iter(names)

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def __len__(self) -> int:
        return sum(1 for _ in self.keys())

    def __bool__(self) -> bool:
        return True

    def _level(self, groups: list[str]) -> Steps[dict[str, Model]]:
        """The members directly below some groups, by path relative to this one.

        One call lists all of the groups, and one reads all documents.
        """
        listed = yield self._store.list_dirs([join(self._path, group) for group in groups])
        names = [join(group, name) for group, (_, below) in zip(groups, listed, strict=True) for name in below]
        paths = [join(self._path, name) for name in names]
        models = yield from fetch_many(self._store, paths, self._model.zarr_format, copies=not self._store.read_only)
        bare = formats.bare_group(self._model.zarr_format)
        found = ((name, bare if model is None else model) for name, model in zip(names, models, strict=True))
        return {name: model for name, model in found if model is not None}

    def _models(self, max_depth: int | None, most: int | None = None) -> Steps[dict[str, Model]]:
        """The members' models by path relative to this group, level by level; arrays are never listed."""
        catalog = self._catalog
        found: dict[str, Model] = {}
        if catalog is not None and catalog.serves:
            if max_depth == 0:
                return catalog.level(self._path)
            below = catalog.below(self._path)
            for name in sorted(below):
                if max_depth is None or name.count("/") <= max_depth:
                    found[name] = below[name]
            return found
        groups = [""]
        depth = 0
        while groups and (max_depth is None or depth <= max_depth) and (most is None or len(found) <= most):
            level = yield from self._level(groups)
            found.update(level)
            groups = [name for name, model in level.items() if isinstance(model, GroupModel)]
            depth += 1
        return dict(sorted(found.items()))

    @verb
    def members(
        self, max_depth: int | None = 0, *, use_consolidated_for_children: bool = True
    ) -> Steps[tuple[tuple[str, Array | Self], ...]]:
        """Names and handles of the members, in order.

        The groups of a level are listed together, and their documents are one batch; chunks are never listed.

        Args:
            max_depth: how many levels below the direct members to go; `None` for all of them.
            use_consolidated_for_children: kept for zarr-python's sake; a group's own documents are what counts here.

        Returns:
            pairs of path relative to this group, and `Array` or `Group`.

        Raises:
            ValueError: a negative depth.
        """
        if max_depth is not None and max_depth < 0:
            raise ValueError(f"max_depth must be zero or more, or None for all levels, not {max_depth}")
        models = yield from self._models(max_depth)
        return tuple((name, self._handle(join(self._path, name), model)) for name, model in models.items())

    @verb
    def nmembers(self, max_depth: int | None = 0) -> Steps[int]:
        """How many members there are, down to a depth; see `members`."""
        models = yield from self._models(max_depth)
        return len(models)

    def _of_kind(self, kind: type[Any]) -> Steps[Iterator[tuple[str, Any]]]:
        pairs = yield from self.members.steps()
        return iter([(name, member) for name, member in pairs if isinstance(member, kind)])

    @verb
    def arrays(self) -> Steps[Iterator[tuple[str, Array]]]:
        """Names and handles of the arrays directly below."""
        return (yield from self._of_kind(Array))

    @verb
    def groups(self) -> Steps[Iterator[tuple[str, Self]]]:
        """Names and handles of the groups directly below."""
        return (yield from self._of_kind(Members))

    @verb
    def array_keys(self) -> Steps[Iterator[str]]:
        """Names of the arrays directly below."""
        pairs = yield from self._of_kind(Array)
        return iter([name for name, _ in pairs])

    @verb
    def group_keys(self) -> Steps[Iterator[str]]:
        """Names of the groups directly below."""
        pairs = yield from self._of_kind(Members)
        return iter([name for name, _ in pairs])

    @verb
    def array_values(self) -> Steps[Iterator[Array]]:
        """Handles of the arrays directly below."""
        pairs = yield from self._of_kind(Array)
        return iter([array for _, array in pairs])

    @verb
    def group_values(self) -> Steps[Iterator[Self]]:
        """Handles of the groups directly below."""
        pairs = yield from self._of_kind(Members)
        return iter([group for _, group in pairs])

    def values(self) -> Iterator[Array | Self]:
        """Handles of the members."""
        return iter([member for _, member in self.members()])

    def items(self) -> Iterator[tuple[str, Array | Self]]:
        """Names and handles of the members."""
        return iter(self.members())

    # ---------------------------------------------------------------- for people

    @verb
    def tree(
        self, expand: bool | None = None, level: int | None = None, *, max_nodes: int = TREE_NODES, plain: bool = False
    ) -> Steps[Tree]:
        """The hierarchy drawn with lines, to be printed.

        Args:
            expand: not used.
            level: how many levels to draw; all when `None`.
            max_nodes: how many members to draw at most.
            plain: not used; the drawing is always plain text.
        """
        models = yield from self._models(None if level is None else level - 1, max_nodes)
        shown = dict(list(models.items())[:max_nodes])
        for name in list(shown):  # every parent is drawn, so that the lines meet
            for at, letter in enumerate(name):
                if letter == "/" and name[:at] not in shown:
                    shown[name[:at]] = models[name[:at]]
        return Tree(self.name, shown, len(models) - len(shown))

    @property
    def update_attributes_async(self) -> Any:
        """`update_attributes` as a coroutine; by zarr-python's name."""
        return self.update_attributes.aio

    @property
    def info(self) -> GroupInfo:
        """What the group is, to be printed."""
        return GroupInfo.of(self, self._model)

    @verb
    def info_complete(self) -> Steps[GroupInfo]:
        """What the group is, with its members counted at all levels."""
        models = yield from self._models(None)
        return GroupInfo.of(self, self._model, models.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Members):
            return NotImplemented
        return self._place() == other._place() and self._model == other._model

    def __hash__(self) -> int:
        return hash(self._place())

    def __repr__(self) -> str:
        return f"<zarrite.Group {self.url}>"

    def _repr_html_(self) -> str:
        """What notebooks show: facts, and the members where asking costs little."""
        from zarrite.picture import group_html

        if not self._store.is_local and self.metadata.consolidated is None:
            return group_html(self)
        models = Flow(self._models(None, MOST_SHOWN)).result()
        return group_html(self, dict(islice(models.items(), MOST_SHOWN)), max(0, len(models) - MOST_SHOWN))

    def __reduce__(self) -> tuple[Any, ...]:
        return stored.reopen_group, (type(self), address(self._store), self._path, stored.documents(self))

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "zarrite.Group", self._place(), tuple(sorted(stored.documents(self).items()))


def _parts(node: Any) -> tuple[Store, str, GroupModel, Seat, Catalog | None]:
    """What a handle is made of: `Group(group)` is one more handle of the group."""
    handle = getattr(node, "_handle", node)
    if not isinstance(handle, Members):
        raise TypeError(
            f"Group() takes the group that is to have one more handle, not {type(node).__name__}; open_group opens one "
            "that is stored, and create_group makes a new one"
        )
    return handle._store, handle._path, handle._model, handle._seat, handle._catalog
