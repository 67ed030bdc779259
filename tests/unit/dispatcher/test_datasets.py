import subprocess
import sys

import pytest

from dispatcher.configs import claims
from dispatcher.datasets import Broken, DatasetReader
from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.jobs.calls import drive
from tests.unit.dispatcher.builders import INPUT
from tests.unit.dispatcher.cloud import Cloud


def put(cloud: Cloud, name: str, text: str) -> None:
    cloud.put(INPUT, f"config/datasets/{name}.yaml", text.encode())


def test_the_most_specific_dataset_owns_a_key_when_several_match() -> None:
    cloud = Cloud()
    put(cloud, "wide", "match: [{prefix: incoming/}]")
    put(cloud, "narrow", "match: [{prefix: incoming/flights/}]")
    put(cloud, "csv-only", "match: [{prefix: incoming/flights/, suffix: .csv}]")

    shelf = drive(DatasetReader(INPUT).load(), cloud.perform)

    owners = {
        key: shelf.owner_of(key).name for key in ("incoming/flights/a.csv", "incoming/flights/a", "incoming/a", "x")
    }
    assert list(owners.values()) == ["csv-only", "narrow", "wide", "default"]


def test_only_what_changed_is_fetched_when_datasets_are_loaded_again() -> None:
    cloud, reader = Cloud(), DatasetReader(INPUT)
    put(cloud, "one", "match: [{prefix: incoming/1}]")
    put(cloud, "two", "match: [{prefix: incoming/2}]")
    drive(reader.load(), cloud.perform)
    put(cloud, "two", "match: [{prefix: incoming/3}]")
    del cloud.objects[INPUT, "config/datasets/one.yaml"]
    cloud.calls.clear()

    shelf = drive(reader.load(), cloud.perform)

    assert cloud.calls == ["list_objects_v2", "get_object"]
    assert [shelf.owner_of(f"incoming/{n}").name for n in (1, 2, 3)] == ["default", "default", "two"]


def test_a_dataset_is_passed_over_when_it_is_deleted_between_listing_and_reading() -> None:
    cloud = Cloud()
    put(cloud, "one", "match: [{prefix: incoming/}]")
    load = DatasetReader(INPUT).load()
    listing = cloud.perform(next(load))
    cloud.objects.clear()

    load.send(listing)
    with pytest.raises(StopIteration) as stop:
        load.throw(_not_found(cloud))

    assert stop.value.value.owner_of("incoming/a") == DEFAULT_DATASET


def _not_found(cloud: Cloud) -> Exception:
    with pytest.raises(Exception) as raised:
        cloud.ask("s3", "get_object", {"Bucket": INPUT, "Key": "gone"})
    return raised.value


@pytest.mark.parametrize(
    "text",
    [
        "match:\n  - prefix: incoming/flights/\ncolour: red\n",
        "match: {prefix: incoming/flights/, colour: red}\n",
        "match:\n  - prefix: incoming/flights/\n   suffix .csv: [\n",
        "match:\n\t- prefix: 'incoming/flights/'\n",
        'match: [{"prefix": "incoming/flights/"}\nname: flights',
    ],
)
def test_a_broken_dataset_keeps_its_keys_when_its_file_still_names_them(text: str) -> None:
    cloud = Cloud()
    put(cloud, "flights", text)

    shelf = drive(DatasetReader(INPUT).load(), cloud.perform)

    owner = shelf.owner_of("incoming/flights/a.csv")
    assert isinstance(owner, Broken)
    assert (owner.name, owner.problem.code) == ("flights", "invalid_dataset")
    assert shelf.owner_of("incoming/planes/a.csv") == DEFAULT_DATASET


def test_a_broken_dataset_gives_way_when_a_good_one_names_the_key_better() -> None:
    cloud = Cloud()
    put(cloud, "broken", "match: [{prefix: incoming/}]\ncolour: red")
    put(cloud, "good", "match: [{prefix: incoming/good/}]")

    shelf = drive(DatasetReader(INPUT).load(), cloud.perform)

    assert [shelf.owner_of(f"incoming/{key}").name for key in ("good/a", "bad/a")] == ["good", "broken"]


@pytest.mark.parametrize("text", ["", "3", "[a", "match: 3", "match: [{suffix: .csv}]", "\x00"])
def test_a_broken_dataset_claims_nothing_when_its_file_names_no_prefix(text: str) -> None:
    assert claims(text) == ()


def test_a_dataset_is_broken_when_its_file_is_no_text_or_too_large() -> None:
    cloud = Cloud()
    cloud.put(INPUT, "config/datasets/latin.yaml", b"match: [{prefix: incoming/l/}] # \xe9")
    cloud.put(INPUT, "config/datasets/huge.yaml", b"", size=300_000)
    cloud.put(INPUT, "config/datasets/Not A Name.yaml", b"")

    shelf = drive(DatasetReader(INPUT).load(), cloud.perform)

    problems = {name: str(owner.problem) for name, owner in shelf.by_name.items() if isinstance(owner, Broken)}
    assert "not UTF-8" in problems["latin"]
    assert "larger than 256 KiB" in problems["huge"]
    assert "lower case" in problems["Not A Name"]
    assert shelf.owner_of("incoming/l/a").name == "latin"
    assert cloud.calls.count("get_object") == 2


def test_yaml_is_not_loaded_when_intake_is_imported() -> None:
    code = "import sys, dispatcher.intake; sys.exit('yaml' in sys.modules or 'boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
