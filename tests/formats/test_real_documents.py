"""Every document of other writers is understood, or refused for a reason that is known here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from zarrite import formats
from zarrite._engine import Program
from zarrite.errors import ZarriteError
from zarrite.model.node import ArrayModel, GroupModel

NAMES = sorted(formats.NAMES)
FOLDERS = ("zarr", "ome-zarr", "metadata", "malformed")

REFUSED = {
    "invalidmeta.adata.zarr": "unusable",
    "zero_field_count.ome.zarr": "not JSON",
    "colors_rgba_length.ome.zarr": "not JSON",
}
"""Where a node is refused, and what the sentence says: each is damaged."""


def nodes(data: Path) -> Iterator[tuple[Path, dict[str, bytes | None], int]]:
    for top in FOLDERS:
        for folder in sorted({path.parent for name in NAMES for path in (data / top).rglob(name)}):
            documents = {name: (folder / name).read_bytes() if (folder / name).is_file() else None for name in NAMES}
            for number in (2, 3):
                yield folder, documents, number


def understood(data: Path) -> Iterator[tuple[Path, ArrayModel | GroupModel]]:
    for folder, documents, number in nodes(data):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = formats.parse("", documents, number)
        except ZarriteError:
            continue
        if model is not None:
            yield folder, model


def test_only_what_is_listed_is_refused(data: Path) -> None:
    count = 0
    for folder, documents, number in nodes(data):
        expected = next((why for name, why in REFUSED.items() if str(folder).endswith(name)), None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                count += formats.parse("", documents, number) is not None
            except ZarriteError as error:
                if expected is None or expected not in str(error):
                    pytest.fail(f"{folder}: {error}")
    assert count > 900


def test_each_is_written_as_it_was_understood(data: Path) -> None:
    for folder, model in understood(data):
        try:
            documents = formats.dump(model, "")
        except ZarriteError as error:
            if "not JSON serializable" not in str(error):
                pytest.fail(f"{folder}: {error}")
            continue
        assert formats.parse("", documents, model.zarr_format) == model, folder


def test_the_engine_takes_each_array(data: Path) -> None:
    count = 0
    for folder, model in understood(data):
        if isinstance(model, ArrayModel):
            document, handles = model.lower()
            try:
                Program(document, handles)
            except ZarriteError as error:
                pytest.fail(f"{folder}: {error}")
            count += 1
    assert count > 600


def test_copies_of_documents_are_understood_as_the_documents_are(data: Path) -> None:
    compared = 0
    for folder, model in understood(data):
        if not isinstance(model, GroupModel) or model.consolidated is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            members = formats.consolidated_members(model)
            assert members is not None
            for path, member in members.items():
                place = folder / path
                documents = {
                    f"{path}/{name}": (place / name).read_bytes() if (place / name).is_file() else None
                    for name in NAMES
                }
                own = formats.parse(path, documents, model.zarr_format)
                if own is None:
                    continue  # the copy speaks of something that was not kept
                if isinstance(own, GroupModel):
                    own = own.with_consolidated(None)
                if isinstance(member, GroupModel):
                    member = member.with_consolidated(None)
                compared += 1
                assert own == member or "vitessce" in str(folder), place
    assert compared > 50
