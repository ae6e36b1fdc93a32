"""Many nodes at once: writing a hierarchy, and reading all of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite import formats
from zarrite._engine import Store
from zarrite._verb import Steps
from zarrite.errors import ContainsArrayError, MetadataValidationError, ReadOnlyError
from zarrite.formats.names import check_names
from zarrite.listed import delete_node
from zarrite.making import default_format, refuse_existing
from zarrite.model.node import ArrayModel, GroupModel
from zarrite.node import Model, ancestors, fetch_many, plain, seat_of
from zarrite.stores import join, normalize_path

__all__ = ["models_below", "nodes_at", "put_hierarchy"]


def as_model(path: str, node: Any) -> Model:
    """A model, or the model that a document (a dictionary) describes.

    Raises:
        TypeError: neither.
    """
    if isinstance(node, (ArrayModel, GroupModel)):
        return node
    if isinstance(node, Mapping):
        from zarrite.formats.loose import from_document

        model = from_document(node, path)
        if model is not None:
            return model
    raise TypeError(f"node {path!r} must be a model or a metadata document, not {type(node).__name__}")


def put_hierarchy(
    store: Store, base: str, nodes: Mapping[str, Any], *, overwrite: bool = False, zarr_format: int | None = None
) -> Steps[dict[str, Model]]:
    """Writes many nodes, and the groups between them that nobody named, with one batch.

    Everything is checked before the first write or deletion.

    Returns:
        the models that were written, by path relative to `base`, parents before their members.
    """
    if store.read_only:
        raise ReadOnlyError(store.url)
    models = {normalize_path(name): as_model(normalize_path(name), node) for name, node in nodes.items()}
    for name in models:
        check_names(name)
    numbers = {model.zarr_format for model in models.values()}
    if zarr_format is not None and numbers - {zarr_format}:
        raise MetadataValidationError(
            f"the group has format {zarr_format}, and so have its members; these nodes have {sorted(numbers)}"
        )
    if len(numbers) > 1:
        raise MetadataValidationError(f"one hierarchy has one format; these nodes have {sorted(numbers)}")
    number = numbers.pop() if numbers else default_format(None)
    for path in list(models):
        for parent in ancestors(path):
            above = models.setdefault(parent, GroupModel(number))
            if isinstance(above, ArrayModel):
                raise ContainsArrayError(f"array {parent!r} cannot hold {path!r}; only groups have members")
    ordered = dict(sorted(models.items(), key=lambda item: (item[0].count("/") + bool(item[0]), item[0])))
    documents: list[tuple[str, bytes]] = []
    implied = set(ordered) - {normalize_path(name) for name in nodes}
    kept: set[str] = set()
    for name in implied:
        (found,) = yield from fetch_many(store, [join(base, name)], number)
        if isinstance(found, ArrayModel):
            raise ContainsArrayError(f"array {join(base, name)!r} in {store.url} cannot hold members")
        if found is not None:
            ordered[name] = found
            kept.add(name)
    for name, model in ordered.items():
        if name not in kept:
            documents.extend(formats.dump(model, join(base, name)).items())
    for name in ordered:
        if name in implied:
            continue
        if overwrite:
            yield from delete_node(store, join(base, name))
        else:
            yield from refuse_existing(store, join(base, name), number)
    yield store.put_many(documents)
    for name, model in ordered.items():
        if name not in kept:
            seat_of(store, join(base, name)).published(model)
    return {name: model for name, model in ordered.items() if name not in kept}


def models_below(store: Store, path: str, zarr_format: int | None) -> Steps[dict[str, Model]]:
    """Everything below a path as the store has it now, by relative path; consolidated documents are not believed."""
    found: dict[str, Model] = {}
    groups = [""]
    while groups:
        listed = yield store.list_dirs([join(path, group) for group in groups])
        names = [join(group, name) for group, (_, below) in zip(groups, listed, strict=True) for name in below]
        models = yield from fetch_many(store, [join(path, name) for name in names], zarr_format)
        groups = []
        for name, model in zip(names, models, strict=True):
            if isinstance(model, GroupModel):
                found[name] = plain(model)
                groups.append(name)
            elif model is not None:
                found[name] = model
    return dict(sorted(found.items()))


def nodes_at(store: Store, path: str, zarr_format: int) -> Steps[dict[str, Model]]:
    """A node and everything below it as the store has it now, by store path."""
    (top,) = yield from fetch_many(store, [path], zarr_format)
    if top is None:
        return {}
    below = (yield from models_below(store, path, zarr_format)) if isinstance(top, GroupModel) else {}
    return {path: top, **{join(path, name): model for name, model in below.items()}}
