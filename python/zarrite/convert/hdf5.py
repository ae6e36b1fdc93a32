"""HDF5 and netCDF-4 files, read through h5py as the netCDF library would show them.

Which variable has which dimensions is worked out in `hdf5_dims`; types and reading are in `hdf5_cells`.
The file is not trusted: links and storage that lead into other files are left out unless asked for, links that go in
circles are cut, and nothing is allocated because a header says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from zarrite.convert.attributes import encode_fill_attribute
from zarrite.convert.hdf5_cells import MissingFilterError, attribute_value, read_array
from zarrite.convert.hdf5_dims import DIMENSION_ONLY, Node, resolve_dimensions
from zarrite.convert.source import ConversionError, Skipped, Source, SourceArray, refuse_name
from zarrite.errors import MissingDependencyError

__all__ = ["open_hdf5"]

MOST_NODES = 1_000_000
"""More groups and arrays than any file should hold; a file whose links fan out endlessly stops here."""

DEEPEST = 200
"""Deeper than any hierarchy should be."""

MOST_HOPS = 16
"""How many links may lead from one to the next; HDF5's own limit for soft links."""

HIDDEN = frozenset(
    {
        "CLASS",
        "NAME",
        "REFERENCE_LIST",
        "DIMENSION_LIST",
        "_NCProperties",
        "_Netcdf4Coordinates",
        "_Netcdf4Dimid",
        "_nc3_strict",
        "_NCCOPY",
        "_IsNetcdf4",
        "_SuperblockVersion",
        "_Format",
    }
)
"""Attributes that are bookkeeping of HDF5's dimension scales and of the netCDF library, which hides them as well."""

NON_COORDINATE = "_nc4_non_coord_"
"""What the netCDF library puts before a variable's name when a dimension that it does not describe has that name."""


def open_hdf5(
    path: str, *, follow_external: bool = False, enum_flags: bool = False, memory_bytes: int = 256 << 20
) -> Source:
    """The groups and datasets of an HDF5 or netCDF-4 file.

    Args:
        path: the file.
        follow_external: whether links and datasets whose cells lie in other files are followed. A file from somebody
            else could name any file of this machine that way, hence not by default.
        enum_flags: whether the names of enumerated values are kept, as the CF attributes `flag_values` and
            `flag_meanings`. The netCDF library and xarray show enumerations as plain integers.
        memory_bytes: limit of the whole conversion; an eighth of it may go into decoding several chunks at a time.
    Raises:
        MissingDependencyError: h5py is not installed.
        ConversionError: the file cannot be read as HDF5.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError("h5py", "reading HDF5 and netCDF-4", "convert") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ConversionError(f"{path} cannot be read as HDF5: {error}") from error
    try:
        walk = _Walk(h5py, file, follow_external)
        root = walk.group(file["/"], "", ())
        is_netcdf = "_NCProperties" in file.attrs or any("_Netcdf4Dimid" in node.dataset.attrs for node in root.all())
        resolve_dimensions(h5py, root)
        groups: dict[str, dict[str, Any]] = {}
        arrays: list[SourceArray] = []
        for group in root.walk():
            groups[group.path] = _attributes(group.handle, group.path, walk.skipped)
            for node in group.nodes:
                array = _array(h5py, node, walk, enum_flags, memory_bytes // 8)
                if array is not None:
                    arrays.append(array)
    except BaseException:
        file.close()
        raise
    return Source("netCDF-4" if is_netcdf else "HDF5", groups, arrays, walk.skipped, file.close)


class _Walk:
    """One pass over the links of a file."""

    def __init__(self, h5py: Any, file: Any, follow_external: bool) -> None:
        self.h5py = h5py
        self.file = file
        self.follow_external = follow_external
        self.skipped: list[Skipped] = []
        self.count = 0

    def group(self, handle: Any, path: str, above: tuple[Any, ...]) -> Group:
        """A group and everything in it, links in the order in which the netCDF library meets them."""
        here = _object_id(self.h5py, handle)
        group = Group(path, handle)
        subgroups = []
        for name in self._names(handle):
            self.count += 1
            if self.count > MOST_NODES:
                raise ConversionError(
                    f"{self.file.filename} has more than {MOST_NODES} links; its links may go in circles"
                )
            child = f"{path}/{name}" if path else name
            item = self._open(handle, name, child)
            if item is None:
                continue
            if isinstance(item, self.h5py.Dataset):
                group.nodes.append(Node(child, name.removeprefix(NON_COORDINATE), item, group))
            elif isinstance(item, self.h5py.Group):
                if _object_id(self.h5py, item) in (*above, here):
                    self.skipped.append(Skipped(child, "the link leads back to a group that it is in"))
                elif len(above) >= DEEPEST:
                    self.skipped.append(Skipped(child, f"groups are nested more than {DEEPEST} deep here"))
                else:
                    subgroups.append((item, child))
            elif isinstance(item, self.h5py.Datatype):
                group.types.append(item)
        group.children = [self.group(item, child, (*above, here)) for item, child in subgroups]
        return group

    def _names(self, handle: Any) -> list[str]:
        """Names in a group: in the order they were made where the file knows it, else by name."""
        h5 = self.h5py.h5
        plist = handle.id.get_create_plist()
        tracked = plist.get_link_creation_order() & self.h5py.h5p.CRT_ORDER_TRACKED
        names: list[bytes] = []
        handle.id.links.iterate(names.append, idx_type=h5.INDEX_CRT_ORDER if tracked else h5.INDEX_NAME)
        return [os.fsdecode(name) for name in names]

    def _open(self, handle: Any, name: str, path: str) -> Any:
        """What a link leads to, or `None` and a line in `skipped`."""
        why = None if name.startswith(NON_COORDINATE) else refuse_name(name)
        if why is None and any("\ud800" <= letter <= "\udfff" for letter in name):
            why = "its name is not UTF-8"
        if why is not None:
            self.skipped.append(Skipped(path, why))
            return None
        try:
            foreign = None if self.follow_external else foreign_file(self.h5py, handle, name)
            if foreign is not None:
                self.skipped.append(Skipped(path, f"the link leads into another file, {foreign}"))
                return None
            return handle[name]
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            self.skipped.append(Skipped(path, f"the link leads nowhere ({_sentence(error)})"))
            return None


class Group:
    """A group of the file, its datasets and named types."""

    def __init__(self, path: str, handle: Any) -> None:
        self.path = path
        self.handle = handle
        self.nodes: list[Node] = []
        self.types: list[Any] = []
        self.children: list[Group] = []

    def walk(self) -> Iterator[Group]:
        """This group and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self) -> Iterator[Node]:
        """Every dataset in this group and below."""
        for group in self.walk():
            yield from group.nodes


def _object_id(h5py: Any, item: Any) -> tuple[Any, ...]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _sentence(error: Exception) -> str:
    return str(error.args[0] if error.args else error).strip().rstrip(".")


def _attributes(item: Any, path: str, skipped: list[Skipped]) -> dict[str, Any]:
    """Attributes as JSON, without the bookkeeping ones."""
    found: dict[str, Any] = {}
    for name in item.attrs:
        if name in HIDDEN:
            continue
        try:
            found[name] = attribute_value(item, name)
        except (ConversionError, TypeError, ValueError, KeyError, OSError, RuntimeError) as error:
            skipped.append(Skipped(f"{path}@{name}", f"the attribute cannot be kept ({_sentence(error)})"))
    return found


def _array(h5py: Any, node: Node, walk: _Walk, enum_flags: bool, memory_bytes: int) -> SourceArray | None:
    """A dataset as an array, or `None` for one that is a mere dimension or cannot be converted."""
    if node.scale_name.startswith(DIMENSION_ONLY):
        return None
    dataset, path = node.dataset, node.path_shown
    try:
        if not walk.follow_external:
            _refuse_foreign_storage(h5py, dataset)
        array = read_array(h5py, dataset, path, node.shape, memory_bytes)
    except ConversionError as error:
        walk.skipped.append(Skipped(path, str(error), is_fatal=isinstance(error, MissingFilterError)))
        return None
    attributes = _attributes(dataset, path, walk.skipped)
    enum = h5py.check_enum_dtype(dataset.dtype)
    if enum is not None:
        if enum_flags:
            attributes.setdefault("flag_values", [int(number) for number in enum.values()])
            attributes.setdefault("flag_meanings", " ".join(enum))
        else:
            walk.skipped.append(
                Skipped(path, "the names of its enumerated values are not kept (enum_flags keeps them)")
            )
    names = node.dimension_names + tuple(
        f"{node.name}_{axis}" for axis in range(len(node.dimension_names), len(array.shape))
    )
    array = replace(array, attributes=attributes, dimension_names=names)
    return replace(
        _with_fill(array, walk.skipped),
        as_bytes=array.as_bytes
        and replace(
            array.as_bytes, attributes={k: v for k, v in attributes.items() if k != "_FillValue"}, dimension_names=names
        ),
    )


def _with_fill(array: SourceArray, skipped: list[Skipped]) -> SourceArray:
    """The array with its `_FillValue` attribute written as xarray looks for it."""
    if "_FillValue" not in array.attributes:
        return array
    attributes = dict(array.attributes)
    value = attributes.pop("_FillValue")
    if not (isinstance(array.dtype, np.dtype) and array.dtype.kind in "SV"):
        try:
            attributes["_FillValue"] = encode_fill_attribute(value, array.dtype)
        except ConversionError as error:
            skipped.append(Skipped(f"{array.path}@_FillValue", f"the attribute cannot be kept ({error})"))
    return replace(array, attributes=attributes)


def foreign_file(h5py: Any, group: Any, path: str, hops: int = 0) -> str | None:
    """The other file that a path leads into, through whatever links, found without opening that file."""
    here = group.file["/"] if path.startswith("/") else group
    parts = [part for part in path.split("/") if part not in {"", "."}]
    for position, part in enumerate(parts):
        link = here.id.links.get_info(part.encode())
        if link.type == h5py.h5l.TYPE_EXTERNAL:
            return os.fsdecode(here.id.links.get_val(part.encode())[0])
        if link.type == h5py.h5l.TYPE_SOFT:
            if hops == MOST_HOPS:
                raise ValueError(f"more than {MOST_HOPS} links follow each other")
            found = foreign_file(h5py, here, os.fsdecode(here.id.links.get_val(part.encode())), hops + 1)
            if found is not None:
                return found
        if position < len(parts) - 1:
            here = here[part]
            if not isinstance(here, h5py.Group):
                return None
    return None


def _refuse_foreign_storage(h5py: Any, dataset: Any, hops: int = 0) -> None:
    """Refuses datasets whose cells lie in other files, through however many virtual datasets of this one."""
    foreign = None
    if dataset.external:
        foreign = dataset.external[0][0]
    elif dataset.is_virtual:
        if hops == MOST_HOPS:
            raise ConversionError(f"more than {MOST_HOPS} virtual datasets lead to its cells")
        for source in dataset.virtual_sources():
            foreign = (
                source.file_name if source.file_name != "." else foreign_file(h5py, dataset.file, source.dset_name)
            )
            if foreign is not None:
                break
            inner = dataset.file.get(source.dset_name)
            if isinstance(inner, h5py.Dataset):
                _refuse_foreign_storage(h5py, inner, hops + 1)
    if foreign is not None:
        raise ConversionError(f"its cells lie in another file, {foreign} (follow_external reads them)")
