"""What a member of a zip is called, and how messages show it."""

import pytest

from worker.records.zip_names import listed, shown


@pytest.mark.parametrize("name", ["x" * 1000 + ".csv", "a\nb.csv", "ü" * 300 + ".csv"])
def test_a_name_keeps_its_extension_when_it_is_shown(name):
    told = shown(name)
    assert told.endswith(".csv")
    assert told.isprintable()
    assert len(told) <= 200


def test_the_number_of_names_is_told_when_they_are_too_many_to_list():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(7)]) == "0, 1, 2, 3, 4 and 2 more"
