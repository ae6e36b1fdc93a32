"""`zarr.core.group`: groups, and what they are."""

from zarrite.as_zarr.metadata import ConsolidatedMetadata, GroupMetadata
from zarrite.as_zarr.nodes import AsyncGroup
from zarrite.as_zarr.waiting import create_hierarchy
from zarrite.group import Group

__all__ = ["AsyncGroup", "ConsolidatedMetadata", "Group", "GroupMetadata", "create_hierarchy"]
