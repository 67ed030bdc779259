"""Batches of a prefix, of a list, of a long list: tests of the embedded stack."""

from tests.stack.test_batch import (
    client,
    test_a_list_is_a_batch_of_its_own_and_what_is_not_there_is_told,
    test_a_long_list_comes_as_an_object,
    test_every_object_under_a_prefix_is_a_member,
    test_what_can_have_no_member_is_rejected_with_the_reason,
)

__all__ = [
    "client",
    "test_a_list_is_a_batch_of_its_own_and_what_is_not_there_is_told",
    "test_a_long_list_comes_as_an_object",
    "test_every_object_under_a_prefix_is_a_member",
    "test_what_can_have_no_member_is_rejected_with_the_reason",
]
