"""Which dimensions an HDF5 dataset has, and what they are called: the netCDF library's answer, step by step.

A dimension is a dataset that says it is a scale. A variable finds its dimensions by the scales attached to its axes, or
by the dimension numbers that the netCDF library left in `_Netcdf4Coordinates`; a dataset without scales gets phony
dimensions, numbered across the file, one for each length in its group. Scales are searched in a variable's group and
the groups around it. The order of these steps decides the phony names, so it is kept as it is there: all datasets of
the file first, then groups from the leaves to the root.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["DIMENSION_ONLY", "Dimension", "GroupLike", "Node", "resolve_dimensions"]

DIMENSION_ONLY = "This is a netCDF dimension but not a netCDF variable"
"""How a scale is named that stands for a dimension alone."""


class Dimension:
    """A named length.

    Attributes:
        name: the last part of the scale's path, or a phony name.
        number: the netCDF library's number for it.
        length: in cells.
        is_unlimited: whether it may grow.
        target: identity of the scale's dataset in the file; `None` for phony ones.
    """

    __slots__ = ("is_unlimited", "length", "name", "number", "target")

    def __init__(self, name: str, number: int, length: int, is_unlimited: bool, target: Any = None) -> None:
        self.name = name
        self.number = number
        self.length = length
        self.is_unlimited = is_unlimited
        self.target = target


class Node:
    """A dataset of the file and what was found out about its axes."""

    def __init__(self, path: str, name: str, dataset: Any, group: GroupLike) -> None:
        self.path = path
        self.name = name
        self.dataset = dataset
        self.group = group
        self.scale_name = ""
        self.dims: list[Dimension | None] = []

    @property
    def path_shown(self) -> str:
        """Its path in the target: the netCDF library's name for it."""
        return f"{self.group.path}/{self.name}" if self.group.path else self.name

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape in the file; a dataset without a shape holds no cells."""
        shape: tuple[int, ...] | None = self.dataset.shape
        return (0,) if shape is None else shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape as netCDF has it: along an unlimited dimension every variable is as long as the longest."""
        return tuple(
            max(length, dim.length) if dim is not None and dim.is_unlimited else length
            for length, dim in zip(self.stored_shape, self.dims, strict=True)
        )

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """One name a axis."""
        return tuple(f"{self.name}_{axis}" if dim is None else dim.name for axis, dim in enumerate(self.dims))


class GroupLike(Protocol):
    """What a group must have for its dimensions to be resolved."""

    path: str
    nodes: list[Node]
    types: list[Any]
    children: list[Any]


class _Resolver:
    def __init__(self, h5py: Any) -> None:
        self.h5py = h5py
        self.next_number = 0
        self.by_number: dict[int, Dimension] = {}
        self.by_group: dict[str, list[Dimension]] = {}
        self.by_target: dict[Any, Dimension] = {}
        self.own: dict[str, Dimension] = {}
        self.types: list[Any] = []
        self.unseen: list[tuple[Node, list[Dimension]]] = []

    def read(self, group: GroupLike) -> None:
        """Finds the scales of a group and of all below it."""
        self.types.extend(item.id for item in group.types)
        here = self.by_group.setdefault(group.path, [])
        for node in group.nodes:
            node.dims = [None] * len(node.stored_shape)
            if node.dataset.shape and self.h5py.h5ds.is_scale(node.dataset.id):
                self._read_scale(node, here)
        for child in group.children:
            self.read(child)

    def _read_scale(self, node: Node, here: list[Dimension]) -> None:
        dataset = node.dataset
        node.scale_name = _scale_name(self.h5py, dataset)
        number = _small_int(dataset, "_Netcdf4Dimid")
        if number is None:
            number = self.next_number
        self.next_number = max(self.next_number, number + 1)
        dim = Dimension(
            node.name, number, dataset.shape[0], dataset.maxshape[0] is None, _identity(self.h5py, dataset.id)
        )
        # Two links to one scale have one number: the later name replaces the earlier one, for every variable.
        known = self.by_number.get(number)
        if known is not None and known in here:
            here[here.index(known)] = dim
        else:
            here.append(dim)
        self.by_number[number] = dim
        self.by_target[dim.target] = dim
        if len(dataset.shape) == 1:
            self.own[node.path] = dim

    def match(self, group: GroupLike, around: tuple[list[Dimension], ...]) -> None:
        """Gives every dataset its dimensions: groups below first, as the numbers of phony ones depend on it."""
        here = self.by_group[group.path]
        for child in group.children:
            self.match(child, (here, *around))
        for node in group.nodes:
            if node.scale_name.startswith(DIMENSION_ONLY):
                continue
            if self._match_scales(node, (here, *around)):
                continue
            if self._is_netcdf_type(node.dataset):
                self._phony(node, here)
            else:
                # Types that the netCDF library does not show come last, so that they change no name of the others.
                self.unseen.append((node, here))

    def finish(self) -> None:
        """Names the axes of the datasets that the netCDF library would not show."""
        for node, here in self.unseen:
            self._phony(node, here)

    def _match_scales(self, node: Node, scopes: tuple[list[Dimension], ...]) -> bool:
        own = self.own.get(node.path)
        if own is not None:
            node.dims = [self.by_number.get(own.number, own)]
            return True
        rank = len(node.dims)
        if rank == 0:
            return True
        numbers = _small_ints(node.dataset, "_Netcdf4Coordinates")
        if numbers is not None and len(numbers) == rank and all(number in self.by_number for number in numbers):
            node.dims = [self.by_number[number] for number in numbers]
            return True
        targets = _scales(self.h5py, node.dataset)
        if not targets or targets[0] is None:
            return False
        for axis, target in enumerate(targets):
            found = next((dim for scope in scopes for dim in scope if dim.target == target), None)
            if found is None and target is not None:
                found = self.by_target.get(target)
            node.dims[axis] = found
        return True

    def _phony(self, node: Node, here: list[Dimension]) -> None:
        maxshape = node.dataset.maxshape or node.stored_shape
        for axis, (length, most) in enumerate(zip(node.stored_shape, maxshape, strict=True)):
            taken = node.dims[:axis]
            for dim in here:
                if dim.length == length and dim.is_unlimited == (most is None) and dim not in taken:
                    break
            else:
                dim = Dimension(f"phony_dim_{self.next_number}", self.next_number, length, most is None)
                self.by_number[self.next_number] = dim
                self.next_number += 1
                here.append(dim)
            node.dims[axis] = dim

    def _is_netcdf_type(self, dataset: Any) -> bool:
        kind = dataset.id.get_type()
        return _is_shown(self.h5py.h5t, kind) or any(kind.equal(known) for known in self.types)


def _is_shown(h5t: Any, kind: Any) -> bool:
    """Whether the netCDF library shows cells of a type that has no name in the file."""
    kind_class = kind.get_class()
    if kind_class == h5t.COMPOUND:
        return all(_is_shown(h5t, kind.get_member_type(number)) for number in range(kind.get_nmembers()))
    if kind_class in (h5t.VLEN, h5t.ARRAY):
        return _is_shown(h5t, kind.get_super())
    if kind_class == h5t.FLOAT:
        return kind.get_size() in (4, 8)
    return kind_class in (h5t.STRING, h5t.INTEGER, h5t.ENUM)


def resolve_dimensions(h5py: Any, root: Any) -> None:
    """Fills `dims` of every node below a root group."""
    resolver = _Resolver(h5py)
    resolver.read(root)
    resolver.match(root, ())
    resolver.finish()
    _grow_unlimited(root)


def _grow_unlimited(root: Any) -> None:
    """An unlimited dimension is as long as its longest variable, whatever its scale says."""
    lengths: dict[int, int] = {}
    for node in root.all():
        for length, dim in zip(node.stored_shape, node.dims, strict=True):
            if dim is not None and dim.is_unlimited and not node.scale_name.startswith(DIMENSION_ONLY):
                lengths[id(dim)] = max(length, lengths.get(id(dim), 0))
    for node in root.all():
        for dim in node.dims:
            if dim is not None and dim.is_unlimited:
                dim.length = lengths.get(id(dim), dim.length)


def _identity(h5py: Any, object_id: Any) -> Any:
    info = h5py.h5o.get_info(object_id)
    return info.fileno, info.addr


def _scale_name(h5py: Any, dataset: Any) -> str:
    try:
        name = h5py.h5ds.get_scale_name(dataset.id)
    except (RuntimeError, ValueError, KeyError):
        return ""
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else str(name or "")


def _scales(h5py: Any, dataset: Any) -> list[Any]:
    """Identity of the scale attached to each axis; the last one where there are several, as in netCDF."""
    found: list[Any] = []
    for axis in range(len(dataset.shape or ())):
        met: list[Any] = []
        try:
            if h5py.h5ds.get_num_scales(dataset.id, axis) > 0:
                h5py.h5ds.iterate(dataset.id, axis, lambda scale, met=met: met.append(_identity(h5py, scale)), 0)
        except (RuntimeError, ValueError, KeyError, TypeError):
            met = []
        found.append(met[-1] if met else None)
    return found


def _small_int(dataset: Any, name: str) -> int | None:
    numbers = _small_ints(dataset, name)
    return numbers[0] if numbers else None


def _small_ints(dataset: Any, name: str) -> list[int] | None:
    try:
        if name not in dataset.attrs:
            return None
        value = dataset.attrs[name]
        numbers = [int(value)] if not hasattr(value, "__len__") else [int(number) for number in value]
    except (TypeError, ValueError, OSError, RuntimeError, KeyError):
        return None
    return numbers if all(0 <= number < 1 << 31 for number in numbers) else None
