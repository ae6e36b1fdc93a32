"""Consolidated documents as handles use them: they answer for members, and never grow stale by our own hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from zarrite import formats
from zarrite._engine import Store
from zarrite._verb import Steps, Turn
from zarrite.changing import change as change_documents
from zarrite.config import config
from zarrite.model.node import GroupModel
from zarrite.node import Model, Seat, ancestors, fetch_many, plain, seat_of

__all__ = ["Catalog", "catalog_of"]

Members = dict[str, Model]
Change = Callable[["Catalog", Members], None]


class Catalog:
    """What a group's consolidated documents say of all below it; the handles opened through it share this.

    A write through one of those handles changes the catalog too, in memory and in the store, and every other copy above
    the changed node: it is written again, or taken out, or left, as the setting `consolidated.on_write` says. In a
    large hierarchy rewriting it for every write would cost more than it saves: it is then taken out of the store
    instead, once, and the members are looked up one by one.

    Attributes:
        path: path of the group that holds the documents.
        answers: whether members are looked up here; a handle that was opened without still keeps the copies right.
    """

    REWRITE_LIMIT = 128
    """With more members than this a write drops the catalog instead of rewriting it."""

    __slots__ = (
        "__weakref__",
        "_complete",
        "_levels",
        "_members",
        "_seat",
        "_unread",
        "answers",
        "path",
        "root",
        "stored",
    )

    def __init__(self, path: str, stored: GroupModel, seat: Seat, *, answers: bool = True) -> None:
        self.path = path
        self.stored = stored
        self.root = plain(stored)
        self.answers = answers
        self._seat = seat
        self._unread = True
        self._complete = True
        self._members: Members | None = None
        # Members by parent and name, of the members beside them: who goes through a tree asks for every level.
        self._levels: tuple[Members, dict[str, Members]] = {}, {}
        if answers:
            self._read()

    def _read(self) -> Members | None:
        """The copies as models, made when they are first wanted; `None` once the catalog was dropped."""
        if self._unread:
            found = formats.consolidated_members(self.stored)
            self._members = None if found is None else dict(found)
            self._complete = found is None or formats.is_complete(self.stored, found)
            self._unread = False
        return self._members

    def _catch_up(self) -> None:
        """Takes over what another handle of the group published since; called with the seat's lock held."""
        known = self._seat.model
        if (
            isinstance(known, GroupModel)
            and known is not self.stored
            and known.consolidated_name == self.stored.consolidated_name
        ):
            self.stored, self.root, self._unread = known, plain(known), True

    @property
    def serves(self) -> bool:
        """Whether members are to be looked up here."""
        return self.answers and self._members is not None

    def relative(self, path: str) -> str:
        """A store path as the catalog names it."""
        return path[len(self.path) + 1 :] if self.path else path

    def get(self, path: str) -> Model | None:
        """The model at a store path, or `None` where the catalog has none."""
        return (self._members or {}).get(self.relative(path))

    def below(self, path: str) -> Members:
        """All members below a store path, by path relative to it."""
        return _below(self._members or {}, self.relative(path) if path != self.path else "")

    def level(self, path: str) -> Members:
        """The members directly below a store path, by name, in order."""
        members = self._members or {}
        of, levels = self._levels
        if of is not members:
            levels = {}
            for name in sorted(members):
                parent, _, own = name.rpartition("/")
                levels.setdefault(parent, {})[own] = members[name]
            self._levels = members, levels
        return levels.get(self.relative(path) if path != self.path else "", {})

    # ---------------------------------------------------------------- what was changed

    def changed(self, store: Store, path: str, model: Model | None = None) -> Steps[None]:
        """Notes that a node was published (its model) or deleted with all below it (`None`)."""
        if path == self.path and isinstance(model, GroupModel):
            yield from self._own(store, model)

        def change(catalog: Catalog, members: Members) -> None:
            if model is None:
                catalog.forget(members, path)
            else:
                members[catalog.relative(path)] = _copied(model)

        yield from self._everywhere(store, [path], change)

    def _own(self, store: Store, model: GroupModel) -> Steps[None]:
        """Notes that the documents of the group itself were put, with the copies as they were."""
        yield Turn(self._seat.lock)
        try:
            if model.consolidated_name == self.stored.consolidated_name:
                # The copies are those of the newest model, which another handle may have published.
                self._unread = self._unread or model.consolidated is not self.stored.consolidated
                self.root, self.stored = plain(model), model
                if self.answers:
                    self._read()
                return
            # They were put by a handle that knows nothing of copies under this name.
            self.root = dataclasses.replace(plain(model), consolidated_name=self.stored.consolidated_name)
        finally:
            self._seat.lock.release()
        yield from self._apply(store, lambda *_: None, config.flat["consolidated.on_write"])

    def added(self, store: Store, models: Mapping[str, Model], gone: str | None = None) -> Steps[None]:
        """Notes that nodes were published, by store path, and that another was taken away with all below it."""

        def change(catalog: Catalog, members: Members) -> None:
            if gone is not None and catalog.holds(gone):
                catalog.forget(members, gone)
            for path, model in models.items():
                if catalog.holds(path):
                    members[catalog.relative(path)] = _copied(model)

        yield from self._everywhere(store, [*models, *([] if gone is None else [gone])], change)

    def forget(self, members: Members, path: str) -> None:
        """Takes a node and all below it out of some members."""
        name = self.relative(path)
        for inner in [name, *(f"{name}/{inner}" for inner in _below(members, name))]:
            members.pop(inner, None)

    def holds(self, path: str) -> bool:
        """Whether a store path lies below the group."""
        return path != self.path and (not self.path or path.startswith(self.path + "/"))

    def _everywhere(self, store: Store, touched: Iterable[str], change: Change) -> Steps[None]:
        """Makes a change here and in the copies that other groups above the touched nodes have."""
        on_write = config.flat["consolidated.on_write"]
        paths = list(touched)
        if any(self.holds(path) for path in paths):
            yield from self._apply(store, change, on_write)
        if on_write == "keep":
            return
        parents = {parent for path in paths for parent in ancestors(path)}
        if not self.root.consolidated_name:
            parents.discard(self.path)  # it has no copies but these
        above = sorted(parents)
        seats = [seat_of(store, path) for path in above]
        stamps = [seat.stamp for seat in seats]
        models = yield from fetch_many(store, above, self.root.zarr_format)
        for path, model, seat, stamp in zip(above, models, seats, stamps, strict=True):
            if isinstance(model, GroupModel) and model.consolidated is not None:
                seat.saw(model, stamp)
                yield from Catalog(path, model, seat, answers=False)._apply(store, change, on_write)

    def _apply(self, store: Store, change: Change, on_write: str) -> Steps[None]:
        """Makes a change in memory and in the store; nothing once the catalog was dropped."""

        def make(there: GroupModel) -> GroupModel | None:
            if there is not self.stored:
                self.stored, self.root, self._unread = there, plain(there), True
            now = self._read()
            if now is None:
                return None
            members = dict(now)
            change(self, members)
            # A copy that nobody here understands would be lost in writing the others again.
            can_update = self._complete and len(members) <= self.REWRITE_LIMIT
            if on_write == "drop" or (on_write == "update" and not can_update):
                self._members = None
                return self.root
            self._members = members
            return None if on_write == "keep" else formats.consolidate(members, self.root)

        yield Turn(self._seat.lock)
        try:
            self._catch_up()
            if self._read() is None:
                return
            if on_write == "keep":
                make(self.stored)
                return
            _, root = yield from change_documents(store, self.path, self.stored, make)
            if root is not self.stored:
                self.stored = root
                self._seat.published(root)
        finally:
            self._seat.lock.release()


def _below(members: Members, name: str) -> Members:
    start = f"{name}/" if name else ""
    return {inner[len(start) :]: model for inner, model in members.items() if inner.startswith(start)}


def _copied(model: Model) -> Model:
    """A model as copies have it: a group inside a copy has none of its own."""
    return plain(model) if isinstance(model, GroupModel) else model


def catalog_of(path: str, model: GroupModel, seat: Seat, *, answers: bool = True) -> Catalog | None:
    """The catalog that a group's model carries, or `None`."""
    return None if model.consolidated is None else Catalog(path, model, seat, answers=answers)
