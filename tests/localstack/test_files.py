"""Files, from `put` to `_SUCCESS`: of one chunk, of many, of one object in the end. Tests of the embedded stack."""

from tests.stack.test_chunks import (
    test_a_csv_with_quoted_newlines_is_read_exactly_wherever_it_is_cut,
    test_a_wrong_guess_is_caught_and_redone,
    test_json_lines_are_read_exactly_wherever_they_are_cut,
    test_too_many_rejects_in_all_fail_a_chunked_run_and_nothing_is_published,
    test_what_cannot_be_cut_is_one_chunk_though_it_is_large,
)
from tests.stack.test_one_chunk import (
    test_a_broken_archive_fails_with_its_stage_and_leaves_a_letter,
    test_a_dataset_types_transforms_and_filters,
    test_a_run_with_too_many_rejects_fails_and_publishes_nothing,
    test_bad_rows_are_set_aside_with_their_reason_and_good_ones_pass,
    test_every_record_of_a_file_comes_out_when_it_is_put,
    test_parquet_is_written_with_the_schema_s_types,
)
from tests.stack.test_single import (
    test_a_user_sees_and_downloads_the_one_object,
    test_large_pieces_are_joined_to_the_csv_one_worker_would_write,
    test_small_pieces_are_merged_to_the_json_lines_one_worker_would_write,
)

__all__ = [
    "test_a_broken_archive_fails_with_its_stage_and_leaves_a_letter",
    "test_a_csv_with_quoted_newlines_is_read_exactly_wherever_it_is_cut",
    "test_a_dataset_types_transforms_and_filters",
    "test_a_run_with_too_many_rejects_fails_and_publishes_nothing",
    "test_a_user_sees_and_downloads_the_one_object",
    "test_a_wrong_guess_is_caught_and_redone",
    "test_bad_rows_are_set_aside_with_their_reason_and_good_ones_pass",
    "test_every_record_of_a_file_comes_out_when_it_is_put",
    "test_json_lines_are_read_exactly_wherever_they_are_cut",
    "test_large_pieces_are_joined_to_the_csv_one_worker_would_write",
    "test_parquet_is_written_with_the_schema_s_types",
    "test_small_pieces_are_merged_to_the_json_lines_one_worker_would_write",
    "test_too_many_rejects_in_all_fail_a_chunked_run_and_nothing_is_published",
    "test_what_cannot_be_cut_is_one_chunk_though_it_is_large",
]
