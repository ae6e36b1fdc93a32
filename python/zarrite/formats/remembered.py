"""The models of documents that were read before: opening a node again costs a look into a table."""

from __future__ import annotations

import threading

from ..model.node import ArrayModel, GroupModel

Documents = bytes | tuple[bytes | None, ...]
"""The bytes of a node's documents, which is all a model depends on."""


class Remembered:
    """Models by their documents, the least recently used forgotten first.

    Args:
        nodes: how many are kept.
        total_bytes: what their documents may take together; those that take much of it alone are not kept.
    """

    def __init__(self, nodes: int, total_bytes: int) -> None:
        self.nodes = nodes
        self.total_bytes = total_bytes
        self._models: dict[Documents, ArrayModel | GroupModel] = {}
        self._bytes = 0
        self._keeping = threading.Lock()

    def get(self, documents: Documents) -> ArrayModel | GroupModel | None:
        """The model these documents gave, which is now the last one to be forgotten; None when they are new."""
        found = self._models.pop(documents, None)
        if found is not None:
            self._models[documents] = found
        return found

    def keep(self, documents: Documents, model: ArrayModel | GroupModel) -> ArrayModel | GroupModel:
        """The model, which is kept from now on."""
        weight = weight_of(documents)
        if weight > self.total_bytes // 64:
            return model
        with self._keeping:
            if documents not in self._models:
                self._bytes += weight
            self._models[documents] = model
            while len(self._models) > self.nodes or self._bytes > self.total_bytes:
                oldest = next(iter(self._models))
                if self._models.pop(oldest, None) is not None:
                    self._bytes -= weight_of(oldest)
        return model

    def __contains__(self, documents: Documents) -> bool:
        return documents in self._models

    def __len__(self) -> int:
        return len(self._models)


def weight_of(documents: Documents) -> int:
    """What documents take, in bytes."""
    if isinstance(documents, bytes):
        return len(documents)
    return sum(len(raw) for raw in documents if raw is not None)
