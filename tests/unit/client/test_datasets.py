import pytest

from haulier.client.datasets import check, listing, put, stored
from haulier.client.errors import NotFound
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.keys import dataset_key

FLIGHTS = "match:\n  - prefix: incoming/flights/\n"


def a_file(tmp_path, text: str, name: str = "flights.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_good_file_is_stored_under_its_name(stack, tmp_path):
    assert put(stack.connection, a_file(tmp_path, FLIGHTS)).name == "flights"
    assert stored(stack.connection)["flights"].match[0].prefix == "incoming/flights/"


def test_what_is_wrong_is_told_with_field_and_line_and_nothing_is_stored(stack, tmp_path):
    with pytest.raises(InvalidDataset) as told:
        put(stack.connection, a_file(tmp_path, FLIGHTS + "output:\n  format: xml\n"))
    assert told.value.problems[0].startswith("line 4: output.format")
    assert not stack.s3.objects


def test_a_match_that_another_dataset_has_is_refused(stack, tmp_path):
    put(stack.connection, a_file(tmp_path, FLIGHTS))
    with pytest.raises(InvalidDataset, match="is dataset flights's already"):
        check(stack.connection, a_file(tmp_path, FLIGHTS, "others.yaml"))
    assert check(None, a_file(tmp_path, FLIGHTS, "others.yaml")).name == "others"


def test_a_dataset_may_be_put_again(stack, tmp_path):
    path = a_file(tmp_path, FLIGHTS)
    put(stack.connection, path)
    assert put(stack.connection, path).name == "flights"


@pytest.mark.parametrize("name", ["flights.json", "flights"])
def test_a_file_that_is_not_yaml_is_refused(tmp_path, name):
    with pytest.raises(InvalidDataset, match=r"NAME\.yaml"):
        check(None, a_file(tmp_path, FLIGHTS, name))


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        check(None, tmp_path / "none.yaml")


def test_a_file_that_is_not_utf8_is_told(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"match: \xff\n")
    with pytest.raises(InvalidDataset, match="byte 7"):
        check(None, path)


def test_broken_datasets_are_listed_with_their_problems(stack):
    bucket = stack.connection.input_bucket
    stack.s3.objects[bucket, dataset_key("bad")] = b"match: 7\n"
    stack.s3.objects[bucket, dataset_key("good")] = FLIGHTS.encode()
    stack.s3.objects[bucket, "config/datasets/README.md"] = b"not one"
    found = {entry.name: bool(entry.problems) for entry in listing(stack.connection)}
    assert found == {"bad": True, "good": False}
