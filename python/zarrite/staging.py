"""New nodes out of sight: `zarrite.stage`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from zarrite import _engine, formats
from zarrite._verb import Flow, Steps
from zarrite.errors import ContainsArrayError, NodeExistsError, StoreError
from zarrite.group import Group
from zarrite.making import make_group
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.node import fetch, plain
from zarrite.stores import join_url, resolve

__all__ = ["Staging", "stage"]


class Staging:
    """What `zarrite.stage` gives: enter it with `with` or `async with`."""

    def __init__(self, store: Any, path: Any, overwrite: bool, zarr_format: int | None, options: Any) -> None:
        self._store, self._path = resolve(store, path, writes=True, storage_options=options)
        self._overwrite = overwrite
        self._zarr_format = zarr_format
        self._stage: _engine.Stage | None = None

    def _enter(self) -> Steps[Group]:
        self._stage = stage = _engine.Stage(self._store, formats.document_names())
        place, path = stage.store, self._path
        model, seat = yield from fetch(place, path, self._zarr_format)
        if isinstance(model, ArrayModel) and not self._overwrite:
            raise ContainsArrayError(join_url(place.url, ""), path)
        if not isinstance(model, GroupModel) or self._overwrite:
            model, seat = yield from make_group(
                place, path, zarr_format=self._zarr_format, overwrite=self._overwrite and model is not None
            )
        # Copies of members, where there are some, are brought up to date when all is published.
        return Group(place, path, plain(model), seat)

    def _leave(self, failed: bool) -> Steps[None]:
        stage, self._stage = self._stage, None
        if stage is None:
            return
        if failed:
            yield stage.discard()
            return
        try:
            yield stage.publish()
        except StoreError as error:
            if error.errno is None and error.key:
                raise NodeExistsError(
                    f"{error.key} in {self._store.url} was made or changed by another while this was staged; what was "
                    "published before it is there, the rest is not"
                ) from error
            raise

    def __enter__(self) -> Group:
        return Flow(self._enter()).result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        Flow(self._leave(error is not None)).result()

    def __aenter__(self) -> Flow[Group]:
        return Flow(self._enter())

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Flow[None]:
        return Flow(self._leave(error is not None))


def stage(
    store: Any,
    *,
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    zarr_format: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Staging:
    """A group in which new members are written out of sight, and seen when the block ends.

    Chunks go to the store at once; documents, without which no reader finds them, are held back and put when the block
    ends, those of members before those of the groups that hold them. After an exception what was written is deleted and
    nothing is published. Handles that were made in the block end with it.

    What is made with `overwrite=True` is written beside what it replaces. At the end the old one is deleted and the new
    one put in its place: between the two a reader may find neither, never a mixture.

    Args:
        store: where the group is; made, out of sight too, where there is none.
        path: path of the group inside the store.
        overwrite: replace what is there as a whole.
        zarr_format: 3 or 2.
        storage_options: options of remote stores.

    Raises:
        ContainsArrayError: an array is there and `overwrite` is not set.
        NodeExistsError: at the end of the block: another has made or changed what was staged.
        ReadOnlyError: the place cannot be written.

    Example:
        >>> import zarrite
        >>> store = zarrite.storage.MemoryStore()
        >>> with zarrite.stage(store) as group:
        ...     array = group.create_array("heights", data=[1, 2, 3])
        >>> zarrite.open_array(store, path="heights")[:].tolist()
        [1, 2, 3]
    """
    return Staging(store, path, overwrite, zarr_format, storage_options)
