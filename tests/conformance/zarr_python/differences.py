"""Every test of zarr-python that zarrite does not pass, with the reason.

A pattern names tests as `file::test`, or `file::test[parameters]`, relative to the folder of the tests.
"""

from __future__ import annotations

DIFFERENCES: dict[str, tuple[str, ...]] = {
    # ---------------------------------------------------------------- zarr-python loses or misleads
    "zarrite chooses chunks by their bytes, of a megabyte; zarr-python's own guess is another": (
        "test_api.py::test_auto_chunks",
    ),
    "an archive can be changed: what was replaced is gone from it, where zarr-python refuses or keeps both": (
        "test_api.py::test_overwrite_without_deletes_keeps_existing_node",
    ),
    "JSON has no NaN, so attributes are not written with it": ("test_attributes.py::test_put",),
    "`update_attributes` keeps the attributes that it is not given, by either door": (
        "test_group.py::test_group_update_attributes_async",
    ),
    "what a group's document repeats is what lies there, at all levels": (
        "test_group.py::TestConsolidated::test_group_delitem_consolidated",
        "test_group.py::TestConsolidated::test_group_delitem_consolidated_concurrent",
        "test_group.py::TestConsolidated::test_group_getitem_consolidated",
        "test_group.py::test_group_members_async",
        "test_metadata/test_consolidated.py::TestConsolidated::test_getitem_consolidated_empty_leaf_group",
        "test_metadata/test_consolidated.py::TestConsolidated::test_use_consolidated_for_children_members",
    ),
    "steps below zero read backwards, as in NumPy, where zarr-python refuses them": (
        "test_indexing.py::test_get_basic_selection_1d_raises",
        "test_indexing.py::test_get_basic_selection_2d_raises",
        "test_indexing.py::test_get_orthogonal_selection_2d_raises",
    ),
    "slices of blocks are clipped to the blocks there are, as NumPy's slices are": (
        "test_indexing.py::test_get_block_selection_2d_raises",
        "test_indexing.py::test_set_block_selection_2d_raises",
    ),
    "index arrays may stand beside slices in the brackets, as in NumPy": (
        "test_indexing.py::test_fancy_indexing_doesnt_mix_with_implicit_slicing",
    ),
    "masks for several axes are NumPy's coordinates in the brackets; `oindex` takes them as `np.ix_` does": (
        "test_indexing.py::test_orthogonal_bool_indexing_like_numpy_ix",
    ),
    "`out` has the array's data type, so that no cell is changed on its way": (
        "test_indexing.py::test_get_selection_out",
    ),
    "`order` is what arrays are read in, in format 3 too, where zarr-python says that it ignores it": (
        "test_api.py::test_array_order",
    ),
    "what NumPy makes an array of is saved: lists and texts, too": (
        "test_api.py::test_save_errors",
        "test_api.py::test_save_group_non_array_argument_keeps_existing_node",
    ),
    "data that cannot be stored are found when their turn comes; what was written before stays": (
        "test_api.py::test_save_group_unstorable_dtype_keeps_existing_node",
    ),
    "one class for a codec: those of format 3 and numcodecs' are taken in either format": (
        "test_api.py::test_v2_with_v3_compressor",
    ),
    "`load` of a place where nothing is says so": ("test_api.py::test_no_overwrite_load",),
    "members of a document that nobody knows are kept for the next writer, in either format": (
        "test_group.py::TestGroupMetadata::test_from_dict_extra_fields",
    ),
    "inner chunks that do not divide a shard are clipped to it, as drafted": (
        "test_codecs/test_sharding.py::test_open_rejects_stored_nested_sharding_with_indivisible_inner_chunk_shape",
    ),
    "the index of a shard is not transposed: no writer does that": (
        "test_codecs/test_sharding.py::test_sharding_fixed_size_index_codecs_roundtrip",
    ),
    "parameters that depend on the array are filled in when it is made": (
        "test_codecs/test_blosc.py::test_tunable_attrs_param",
        "test_codecs/test_scale_offset.py::test_from_dict",
    ),
    "parameters are values of the cells' own type, whichever type of NumPy they come in": (
        "test_codecs/test_scale_offset.py::test_float_decode_rejects_wider_scalar",
        "test_codecs/test_scale_offset.py::test_float_encode_rejects_wider_scalar",
    ),
    "results are in this machine's byte order": ("test_codecs/test_scale_offset.py::test_encode_decode_roundtrip",),
    "Blosc compresses with another version of its library, so stored bytes differ": (
        "test_codecs/test_blosc.py::test_typesize",
    ),
    "pickles stand where cells become bytes, and not behind another such codec": (
        "test_v2.py::test_pickle_codec_read_*",
        "test_v2.py::test_pickle_codec_zarr_opt_in_does_not_bypass_numcodecs",
    ),
    "one default compressor, Zstandard, whichever function makes the array": (
        "test_metadata/test_consolidated.py::TestConsolidated::test_consolidated_metadata_v2",
    ),
    "these hold a watch, and depend on what else the machine does": (
        "test_group.py::test_group_members_concurrency_limit",
        "test_group.py::test_group_members_performance",
    ),
    "how an array is laid out is no reason to warn whoever opens it": (
        "test_codecs/test_codecs.py::test_sharding_warning_fires_once_per_open",
    ),
    # ---------------------------------------------------------------- stores
    "memory is the engine's, and the dictionary of it a view; one that goes by a name stays as long as the process": (
        "test_store/test_memory.py::TestManagedMemoryStore::test_cross_process_detection",
        "test_store/test_memory.py::TestManagedMemoryStore::test_from_url*",
        "test_store/test_memory.py::TestManagedMemoryStore::test_garbage_collection",
        "test_store/test_memory.py::TestManagedMemoryStore::test_named_store_shares_dict",
        "test_store/test_memory.py::TestManagedMemoryStore::test_pickle_*",
        "test_store/test_memory.py::TestManagedMemoryStore::test_serializable_store",
        "test_store/test_memory.py::TestManagedMemoryStore::test_with_read_only_*",
    ),
    "stores print themselves in their own way": ("test_store/test_*.py::Test*Store::test_store_repr",),
    "directories are not objects: empty ones are not seen, and a file is not below itself": (
        "test_store/test_local.py::TestLocalStore::test_delete_dir_on_a_file_raises",
        "test_store/test_local.py::TestLocalStore::test_delete_sync_directory",
        "test_store/test_local.py::TestLocalStore::test_empty_with_empty_subdir",
    ),
    "a store that has open handles is not moved from under them": (
        "test_store/test_local.py::TestLocalStore::test_move",
    ),
    "the engine asks for documents where zarr-python deletes first, so a record of requests is another": (
        "test_store/test_logging.py::test_logging_store_counter",
    ),
    # ---------------------------------------------------------------- texts and signatures
    "what errors say is zarrite's own": (
        "test_errors.py::test_array_not_found_error",
        "test_errors.py::test_contains_array_and_group_error",
        "test_errors.py::test_contains_array_error",
        "test_errors.py::test_contains_group_error",
        "test_errors.py::test_group_not_found_error",
        "test_errors.py::test_metadata_validation_error",
        "test_errors.py::test_node_type_validation_error",
    ),
    "signatures and docstrings are zarrite's own": ("test_group.py::test_consistent_signatures",),
    # ---------------------------------------------------------------- zarr-python's inside
    "structured cells of several bytes need an order of bytes: none is made up": (
        "test_codecs/test_bytes.py::test_bytes_codec_evolve_structured_*",
    ),
    "casts are the engine's own, and ask no other package for them": (
        "test_codecs/test_cast_value.py::test_encode_rejects_outdated_backend",
    ),
    "lists of documents are lists, as in JSON, and not tuples": (
        "test_codecs/test_cast_value.py::test_to_dict",
        "test_codecs/test_sharding.py::test_sharding_codec_default_byte_order_is_little",
    ),
    "codecs take the parameters that they have, and need those without a default": (
        "test_codecs/test_numcodecs.py::test_codecs_pickleable",
        "test_codecs/test_numcodecs.py::test_repr",
        "test_codecs/test_numcodecs.py::test_to_dict",
    ),
    "shards are read by the engine, which does not call the methods that the test replaces": (
        "test_codecs/test_sharding.py::test_sharding_duplicate_read_indexes",
        "test_codecs/test_sharding.py::test_sharding_multiple_chunks_partial_shard_read",
        "test_codecs/test_sharding.py::test_sharding_partial_shard_read__*",
    ),
    "functions inside zarr-python's stores, which the test watches": (
        "test_store/test_local.py::TestLocalStore::test_filesystem_calls_are_observed",
        "test_store/test_wrapper.py::test_wrapper_*_sync_without_inner_sync_raises",
    ),
    "private methods of nodes and of metadata objects": (
        "test_group.py::test_create_hierarchy_unbuildable_node_leaves_store_untouched",
        "test_group.py::test_group_getitem",
        "test_indexing.py::test_iter_chunk_regions",
        "test_metadata/test_consolidated.py::TestConsolidated::test_consolidated_metadata_backwards_compatibility",
    ),
}
"""Patterns of tests by the reason why they do not pass."""

INTERNAL = ("Skipped: internal: ", "Skipped: got empty parameter set")
"""How the reason of a skipped test begins that uses, or is parametrised by, what zarr-python keeps inside."""
