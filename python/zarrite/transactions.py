"""Writing many things as one commit: sessions of Icechunk as `with` blocks."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from zarrite._engine import Store
from zarrite.errors import BaseZarrError, ConflictError, IrregularGridError, UrlError
from zarrite.group import Group
from zarrite.open import open_array, open_group
from zarrite.stores.paths import join
from zarrite.stores.pipelines import Pipeline, parse
from zarrite.stores.protocol import store_of_object

__all__ = ["Conflict", "transaction"]

REBASES = 100
"""How often a commit that others keep overtaking is put on top of theirs, where a rebase was asked for."""

TOLD = 6
"""Regions that the text of an error names; its attribute has all."""

_WORDS = {
    "chunkdoubleupdate": "both wrote",
    "chunksupdatedinupdatedarray": "its document was changed, its cells were written here",
    "chunksupdatedindeletedarray": "deleted there, written here",
    "deleteofupdatedarray": "changed there, deleted here",
    "deleteofupdatedgroup": "changed there, deleted here",
    "newnodeconflictswithexistingnode": "both made it",
    "newnodeininvalidgroup": "made here, in a group that is gone",
    "zarrmetadatadoubleupdate": "both changed its document",
    "zarrmetadataupdateofdeletedarray": "deleted there, its document was changed here",
    "zarrmetadataupdateofdeletedgroup": "deleted there, its document was changed here",
    "moveoperationcannotberebased": "moved, which cannot be put on top of another commit",
}


class Conflict(NamedTuple):
    """What two commits both changed.

    Attributes:
        path: the array or group.
        what: the kind of conflict, in words.
        regions: where in the array, as tuples of slices; empty when it concerns the node as a whole.
    """

    path: str
    what: str
    regions: tuple[tuple[slice, ...], ...] = ()

    def __str__(self) -> str:
        shown = [", ".join(f"{axis.start}:{axis.stop}" for axis in region) for region in self.regions[:TOLD]]
        more = f" and {len(self.regions) - TOLD} more regions" if len(self.regions) > TOLD else ""
        return f"{self.path or '/'}{''.join(f'[{text}]' for text in shown)}{more} ({self.what})"


@contextlib.contextmanager
def transaction(
    store: Any,
    *,
    message: str,
    branch: str | None = None,
    path: str = "",
    rebase: Any = None,
    metadata: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Iterator[Group]:
    """A group of an Icechunk repository to write in; the end of the `with` block commits all of it, an exception none.

    Nobody sees what is written before the commit. A block that writes nothing makes no commit.

    Args:
        store: the repository: a path, a URL or a repository of the `icechunk` package. A URL with a stage, such as
            `s3://bucket/repository|icechunk://branch.next/group`, says the branch and the group too.
        message: what the commit says.
        branch: the branch to commit to; "main" where nothing names one.
        path: the group inside the repository; it is made when it is missing.
        rebase: what happens when the branch got another commit meanwhile. `None`: the transaction fails. "disjoint": it
            is put on top of the other when both changed different things. "ours", "theirs": so too when both wrote the
            same chunks, whose cells are then this transaction's, or the other's. Or a solver of the `icechunk` package.
        metadata: what the commit keeps beside its message.
        storage_options: options of the storage, by the names that fsspec's users type.

    Raises:
        ConflictError: the branch got another commit that cannot be reconciled. Nothing was committed.
        MissingDependencyError: the `icechunk` package is not installed.
        NodeNotFoundError: there is no such repository or branch.
        UrlError: a URL that leads to no branch of a repository.
    """
    from zarrite.stores.icechunk import session_store, writable_session

    if isinstance(store, str) and "|" in store:
        store, branch, path = _staged(store, branch, path)
    branch = branch or "main"
    session, url = writable_session(store, branch, storage_options)
    engine = store_of_object(session_store(session, url))
    try:
        yield open_group(engine, path=path or None, mode="a")
        if session.has_uncommitted_changes:
            _commit(session, engine, branch, message, rebase, metadata)
    except BaseException:
        with contextlib.suppress(Exception):  # a session that was committed, or is broken, has nothing to discard
            session.discard_changes()
        raise


def _staged(text: str, branch: str | None, path: str) -> tuple[str, str, str]:
    """The repository, the branch and the group that a URL with stages names."""
    pipeline = parse(text)
    stage = pipeline.stages[-1]
    kind, _, name = (stage.version or "").partition(".")
    if stage.scheme != "icechunk" or kind != "branch":
        raise UrlError(f"{text} leads to no branch of a repository; write REPOSITORY|icechunk://branch.NAME/")
    if branch not in (None, name):
        raise UrlError(f"{text} names the branch {name!r}, and branch= the branch {branch!r}; leave one of them out")
    return str(Pipeline(pipeline.root, pipeline.stages[:-1])), name, join(stage.body, path)


def _commit(
    session: Any, store: Store, branch: str, message: str, rebase: Any, metadata: Mapping[str, Any] | None
) -> None:
    import icechunk

    solver = _solver(icechunk, rebase)
    more: dict[str, Any] = {} if solver is None else {"rebase_with": solver, "rebase_tries": REBASES}
    try:
        session.commit(message, metadata=None if metadata is None else dict(metadata), **more)
    except icechunk.RebaseFailedError as error:
        raise _told(store, branch, error.conflicts) from error
    except icechunk.ConflictError as error:
        try:
            # Says what both changed; nothing is committed by it.
            session.rebase(icechunk.ConflictDetector())
        except icechunk.RebaseFailedError as failed:
            raise _told(store, branch, failed.conflicts) from error
        raise ConflictError(
            f"the branch {branch} got another commit ({error.actual_parent}) while this transaction wrote. They "
            "changed different things; pass rebase='disjoint' to put this one on top, or write it again"
        ) from error


def _solver(icechunk: Any, rebase: Any) -> Any:
    if not isinstance(rebase, str):
        return rebase
    if rebase == "disjoint":
        return icechunk.ConflictDetector()
    choices = {"ours": icechunk.VersionSelection.UseOurs, "theirs": icechunk.VersionSelection.UseTheirs}
    if rebase not in choices:
        raise ValueError(f"rebase is None, 'disjoint', 'ours', 'theirs' or a solver of icechunk, not {rebase!r}")
    return icechunk.BasicConflictSolver(on_chunk_conflict=choices[rebase])


def _told(store: Store, branch: str, found: Sequence[Any]) -> ConflictError:
    conflicts = [_conflict(store, each) for each in found]
    listed = "; ".join(map(str, conflicts[:TOLD]))
    more = f"; and {len(conflicts) - TOLD} more" if len(conflicts) > TOLD else ""
    return ConflictError(
        f"the branch {branch} got another commit while this transaction wrote, and both changed: {listed}{more}. "
        "Nothing was committed; write it again, or pass rebase='ours' or rebase='theirs'",
        conflicts,
    )


def _conflict(store: Store, found: Any) -> Conflict:
    path = str(found.path).strip("/")
    # The package writes the same name in several ways: "ChunkDoubleUpdate", "Chunk double update".
    name = str(found.conflict_type).rpartition(".")[2]
    chunks = found.conflicted_chunks or ()
    try:
        regions = tuple(_regions(store, path, [tuple(each) for each in chunks])) if chunks else ()
    except BaseZarrError:
        regions = ()  # the array is gone on one side
    return Conflict(path, _WORDS.get(name.replace(" ", "").lower(), name), regions)


def _regions(store: Store, path: str, chunks: Sequence[tuple[int, ...]]) -> Iterator[tuple[slice, ...]]:
    """Where the cells of chunks are in their array."""
    array = open_array(store, path=path, mode="r")
    try:
        lengths = array.shards or array.chunks
        edges = None
    except IrregularGridError:
        edges = [[0, *itertools.accumulate(sizes)] for sizes in array.write_chunk_sizes]
    for chunk in sorted(chunks):
        if edges is None:
            axes = zip(chunk, lengths, array.shape, strict=True)
            yield tuple(slice(at * length, min((at + 1) * length, extent)) for at, length, extent in axes)
        else:
            yield tuple(slice(axis[at], axis[at + 1]) for at, axis in zip(chunk, edges, strict=True))
