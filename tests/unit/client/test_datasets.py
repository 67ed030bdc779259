import pytest

from haulier.client.datasets import check, check_all, doubts, listing, put, put_all, stored
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


def test_files_are_compared_with_each_other_and_not_with_what_they_replace(stack, tmp_path):
    first, second = a_file(tmp_path, FLIGHTS), a_file(tmp_path, FLIGHTS, "others.yaml")
    with pytest.raises(InvalidDataset, match="already"):
        check_all(None, [first, second])
    put(stack.connection, first)
    moved = a_file(tmp_path, "match:\n  - prefix: incoming/moved/\n")
    assert [one.name for one in put_all(stack.connection, [moved, second])] == ["flights", "others"]


def test_nothing_is_stored_when_one_of_the_files_is_wrong(stack, tmp_path):
    with pytest.raises(InvalidDataset):
        put_all(stack.connection, [a_file(tmp_path, FLIGHTS), a_file(tmp_path, "queue: fast\n", "b.yaml")])
    assert not stack.s3.objects


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('schema:\n  columns:\n    - name: a\n      pattern: "["\n', "line 4: schema.columns.1.pattern: '['"),
        ('transforms:\n  - filter: "a >"\n', "line 2: transforms.1.filter: 'a >'"),
        ('transforms:\n  - derive:\n      b: "1 +"\n', "line 3: transforms.1.derive.b: '1 \\+'"),
    ],
)
def test_what_polars_cannot_read_is_told_with_its_line(tmp_path, text, told):
    with pytest.raises(InvalidDataset, match=told.replace("[", r"\[")):
        check(None, a_file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no `match`"),
        ("match: [{prefix: flights/}]", "lies outside"),
        ("match: [{prefix: incoming/}]", ""),
        ("match: [{prefix: ''}]", ""),
    ],
)
def test_what_is_seldom_meant_is_doubted(tmp_path, text, told):
    found = doubts(check(None, a_file(tmp_path, text)))
    assert bool(found) == bool(told)
    assert told in "".join(found)
    assert doubts(check(None, a_file(tmp_path, "", "default.yaml"))) == []


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
