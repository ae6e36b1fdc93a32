"""More of zarr-python's tests over zarrite: `python tests/conformance/zarr_python/wider.py [FOLDER]`.

FOLDER as for `run.py`. Two groups are run and counted apart from its subset: what hypothesis drives (properties of
arrays, and random lives of stores, of hierarchies and of one array), and the wider tests of arrays, of their grids and
pipelines and of repaired documents, amid which much looks inside zarr-python. `ZARRITE_EXAMPLES` says how long each
property is tried.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from run import Result, downloaded, judged, lacking, report, tell  # noqa: E402 -- it stands beside this file

GROUPS = {
    "machines": ("test_properties.py", "test_array_stateful.py", "test_store/test_stateful.py"),
    "wider": (
        "test_array.py",
        "test_metadata/test_repair.py",
        "test_unified_chunk_grid.py",
        "test_codec_pipeline_suite.py",
        "test_pipeline_parity.py",
    ),
}
OPTIONS = {
    "machines": ("--run-slow-hypothesis",),
    # Processes that are spawned load zarr anew, without what stands for it here.
    "wider": ("--deselect", "tests/test_array.py::test_multiprocessing"),
}

DIFFERENCES: dict[str, tuple[str, ...]] = {
    "slips in stored documents are mended in memory alone: a write of cells leaves the document as it is": (
        "test_metadata/test_repair.py::test_consolidate_edge_lists_in_regular_grid",
        "test_metadata/test_repair.py::test_consolidated_repaired_member_stored_by_its_first_write",
        "test_metadata/test_repair.py::test_consolidated_repaired_member_write_after_chunk_grid_change_raises",
        "test_metadata/test_repair.py::test_delete_member_without_flag_keeps_group",
        "test_metadata/test_repair.py::test_edge_lists_in_regular_grid_round_trip",
        "test_metadata/test_repair.py::test_failed_metadata_save_keeps_stored_document",
        "test_metadata/test_repair.py::test_group_write_stores_mixed_member_as_stored",
        "test_metadata/test_repair.py::test_group_write_stores_repaired_consolidated_member_as_stored",
        "test_metadata/test_repair.py::test_legacy_chunk_size_consolidated",
        "test_metadata/test_repair.py::test_legacy_chunk_size_round_trip",
        "test_metadata/test_repair.py::test_stale_handle_write_after_chunk_grid_change_raises",
        "test_metadata/test_repair.py::test_stale_handle_write_after_resize_keeping_zero",
        "test_metadata/test_repair.py::test_store_untouched_without_flag",
    ),
    "sizes that are whole are read, however they are spelled, and others are a `MetadataValidationError`": (
        "test_metadata/test_repair.py::test_array_from_metadata_with_chunk_size_zero",
        "test_metadata/test_repair.py::test_chunk_shape_read_as_array_shape",
        "test_metadata/test_repair.py::test_chunk_shape_read_as_array_shape_rejects_non_integer",
        "test_metadata/test_repair.py::test_metadata_reads_integer_chunk_edge",
        "test_metadata/test_repair.py::test_metadata_rejects_non_integer_chunk_edge",
        "test_metadata/test_repair.py::test_regular_chunk_grid_rejects_chunk_shape_not_a_sequence",
        "test_metadata/test_repair.py::test_stored_float_chunk_size_rejected",
        "test_metadata/test_repair.py::test_v2_chunk_size_zero_written_as_given",
    ),
    "what errors say of a repaired document is zarrite's own": (
        "test_metadata/test_repair.py::test_edge_below_one_in_regular_grid_rejected",
        "test_metadata/test_repair.py::test_non_int_edge_in_regular_grid_rejected",
        "test_metadata/test_repair.py::test_regular_grid_of_only_edge_lists_rejected",
        "test_metadata/test_repair.py::test_run_length_encoded_edges_in_regular_grid_rejected",
        "test_metadata/test_repair.py::test_short_edges_in_regular_grid_rejected",
    ),
    "private methods and attributes of arrays, of metadata objects and of data types": (
        "test_array.py::TestCreateArray::test_with_data",
        "test_array.py::test_chunk_grid_shape",
        "test_array.py::test_chunks_initialized",
        "test_array.py::test_iter_chunk_coords",
        "test_array.py::test_iter_shard_coords",
        "test_array.py::test_iter_shard_keys",
        "test_array.py::test_nchunks_initialized",
        "test_array.py::test_resize_growing_skips_chunk_enumeration",
        "test_array.py::test_roundtrip_numcodecs",
        "test_array.py::test_storage_transformers",
        "test_array.py::test_unknown_object_codec_default_*",
        "test_array.py::test_write_empty_chunks_behavior",
        "test_array_stateful.py::TestArrayLifecycle::runTest",
        "test_metadata/test_repair.py::test_empty_write_stores_no_metadata",
        "test_metadata/test_repair.py::test_from_dict_keeps_values_that_are_not_json",
        "test_metadata/test_repair.py::test_read_edge_lists_in_regular_grid",
        "test_metadata/test_repair.py::test_read_invalid_edges_in_rectilinear_grid",
        "test_metadata/test_repair.py::test_repaired_metadata_keeps_the_document_it_read",
        "test_metadata/test_repair.py::test_stale_handle_write_keeps_newer_metadata",
        "test_metadata/test_repair.py::test_write_stores_repaired_metadata_first",
        "test_metadata/test_repair.py::test_write_without_stored_document",
        "test_properties.py::test_array_metadata_meets_spec",
        "test_properties.py::test_roundtrip_array_metadata_from_json",
        "test_properties.py::test_roundtrip_array_metadata_from_store",
        "test_properties.py::test_zdtype_json_roundtrip",
        "test_unified_chunk_grid.py::test_iter_shard_regions_bounds_check",
        "test_unified_chunk_grid.py::test_nchunks_initialized_regular_sharded_multiply_matches_per_shard_sum",
        "test_unified_chunk_grid.py::test_rectilinear_metadata_classes_not_gated",
        "test_unified_chunk_grid.py::test_sharding_*",
    ),
    "titles of fields are other names for them, and are left out": (
        "test_properties.py::test_structured_dtype_never_silently_changes",
    ),
    "what was cut off does not come back, inside shards too": (
        "test_array.py::test_resize_2d",
        "test_array.py::test_resize_sharded_keeps_cells_beyond_shape",
    ),
    "`shape` is not assigned to; `resize` says what it does": ("test_array.py::test_resize_1d",),
    "a NaN in a fill value is kept bit by bit, its sign too": (
        "test_array.py::test_special_complex_fill_values_roundtrip",
    ),
    "documents are written without members that have their default, so they are shorter": (
        "test_array.py::test_nbytes_stored",
        "test_array.py::test_nbytes_stored_async",
    ),
    "keywords of format 2 mean in format 3 what they can mean there": (
        "test_array.py::TestCreateArray::test_invalid_v3_arguments",
    ),
    "what is missing among the arguments is a `TypeError`": (
        "test_array.py::TestCreateArray::test_with_data_invalid_params",
    ),
    "signatures and texts are zarrite's own": (
        "test_array.py::test_array_repr",
        "test_array.py::test_create_array_method_signature",
        "test_unified_chunk_grid.py::test_info_reports_variable_shard_shape_for_rectilinear_shard_grid",
    ),
    "a chunk that is missing from a shard is missing; zarr-python says so of whole shards alone": (
        "test_codec_pipeline_suite.py::*::test_read_missing_chunks_false_sharded_semantics",
    ),
    "chunks have a length for each axis, of at least 1; zarr-python 2 took what it liked": (
        "test_unified_chunk_grid.py::test_legacy_create_v2_chunks",
    ),
    "rectilinear grids are not experimental, and are spelled in runs only where that is shorter": (
        "test_unified_chunk_grid.py::test_rectilinear_feature_flag_*",
        "test_unified_chunk_grid.py::test_rectilinear_to_dict",
        "test_unified_chunk_grid.py::test_serialization_error_zero_extent_rectilinear",
    ),
}
"""Patterns of tests by the reason why they do not pass."""


def tried(folder: Path, group: str, *extra: str) -> Result:
    """What came of a group."""
    own = {
        reason: tuple(one for one in listed if one.startswith(GROUPS[group])) for reason, listed in DIFFERENCES.items()
    }
    return judged(report(folder, *OPTIONS[group], *extra, files=GROUPS[group]), own)


def main(arguments: list[str]) -> int:
    """The command."""
    why = lacking()
    if why:
        print(why)
        return 2
    unlisted = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(arguments[0]) if arguments else downloaded(Path(place))
        for group in GROUPS:
            result = tried(folder, group, *arguments[1:])
            print(f"{group}: {result.passed} of {sum(result.counts.values())} pass")
            tell(result)
            unlisted += len(result.unlisted)
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
