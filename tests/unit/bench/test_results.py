"""Statistics, tables, targets, baselines, the page: all of what comes after measuring."""

import json

import pytest

from bench.baselines import compared, load, save
from bench.child import Measured, memory_of
from bench.data.recipe import Recipe, Segment, Truth
from bench.data.shelf import MARK
from bench.figures import in_columns, number, ratio, spread, table
from bench.guesses import Guessed
from bench.job import Answer, Job
from bench.matrix import CASES, Series
from bench.options import main, parser
from bench.report import lines
from bench.results import Results
from bench.run import Sizes, WrongAnswer, check, chosen, together, wanted
from bench.targets import Target, targets

MIB = 1 << 20
SIZES = Sizes(size=1 << 30, naive=256 * MIB, flat=10 << 30, chunk=64 * MIB, repeat=3)
RECIPE = Recipe("a.csv", {"name": "d", "schema": {"columns": []}}, (Segment("x", 1_000_000, 1),), Truth(10, {"c": 1}))


def _series(case, label, *seconds, caught=0, anon=100):
    runs = [Measured(Answer(one, 2 * one, 9, {"c": caught}), anon * MIB, 2 * anon * MIB) for one in seconds]
    return Series(case, label, 100_000_000, 4, runs)


def _results():
    results = Results({"processor": "p"}, SIZES)
    results.series = [
        _series("csv-jsonl", "haulier", 1.0, 2.0, 4.0, caught=4),
        _series("csv-jsonl", "naive", 20.0),
        _series("csv-jsonl", "polars-s3", 2.0),
        _series("flat-csv-jsonl", "haulier", 1.0, anon=300),
        _series("flat-csv-jsonl", "haulier", 1.0, anon=450),
    ]
    results.guesses = [Guessed("orders", MIB, 60, 1)]
    return results


def test_the_median_is_between_the_lowest_and_the_highest():
    found = spread([3.0, 1.0, 2.0])
    assert (found.median, found.low, found.high, found.count) == (2.0, 1.0, 3.0, 3)
    with pytest.raises(ValueError, match="no repetition"):
        spread([])


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23")])
def test_a_number_has_three_figures(value, text):
    assert number(value) == text


def test_a_ratio_to_nothing_is_nothing():
    assert (ratio(1, 2), ratio(1, 0)) == (0.5, 0.0)


def test_tables_line_up():
    assert table(("", "a"), [("x|y", "1")]) == ["|  | a |", "|---|---:|", "| x\\|y | 1 |"]
    assert in_columns(("", "aa"), [("x", "1")]) == ["   aa", "x   1"]


def test_a_series_gives_throughput_and_cpu_of_the_median_run():
    one = _series("a", "b", 1.0, 2.0, 4.0)
    assert one.mb_per_s.median == 50.0
    assert round(one.cpu_per_gib.median, 2) == round(4.0 * (1 << 30) / 100_000_000, 2)


def test_targets_say_by_how_much_they_are_missed():
    found = {(target.name, target.what): target for target in targets(_results())}
    against = found["T1", "csv-jsonl: MB/s against naive"]
    assert (against.found, against.met, against.verdict) == (10.0, False, "missed by 33%")
    assert found["T1", "csv-jsonl: MB/s against polars-s3"].verdict == "met"
    assert found["T1", "csv-jsonl: bad rows caught, each with its reason"].met
    assert found["T3", "CSV → JSON Lines: anonymous memory at most"].verdict == "missed by 12%"
    assert found["T3", "CSV → JSON Lines: apart at both sizes"].found == 50.0


def test_less_is_better_where_the_target_is_a_ceiling():
    assert Target("T", "", 10, 9, at_most=True).met
    assert not Target("T", "", 10, 11, at_most=True).met


def test_the_page_has_a_table_for_every_case_that_was_run():
    page = "\n".join(lines(_results()))
    assert "### CSV → JSON Lines (orders)" in page
    assert "| haulier | 50.0 [25.0-100] | 10.0 | 1.00 |" in page
    assert "| orders | 1 of 60 |" in page
    assert "## Memory at two sizes" in page
    assert "Parquet" not in page


def test_what_failed_is_on_the_page():
    results = _results()
    results.failures.append("csv-jsonl: haulier: it broke")
    assert "- csv-jsonl: haulier: it broke" in list(lines(results))


def test_a_run_is_compared_with_the_baseline(tmp_path):
    save(_results().numbers(), tmp_path / "then.json")
    now = _results()
    now.series[0] = _series("csv-jsonl", "haulier", 1.0)
    text = "\n".join(compared(json.loads(json.dumps(now.numbers())), load(tmp_path / "then.json")))
    assert "csv-jsonl/haulier" in text
    assert "100 (2.00)" in text
    assert "20.0 (2.00)" in text


def test_it_is_said_how_a_baseline_is_made_when_there_is_none(tmp_path):
    with pytest.raises(SystemExit, match="python -m bench records"):
        load(tmp_path / "none.json")


def test_several_processes_take_as_long_as_the_slowest_and_cost_the_sum():
    both = together([Measured(Answer(1.0, 2.0, 5, {"c": 1}), 10, 20), Measured(Answer(3.0, 2.0, 4, {"c": 2}), 10, 20)])
    assert (both.answer.seconds, both.answer.cpu_seconds, both.answer.written) == (3.0, 4.0, 9)
    assert (both.answer.caught, both.anon_bytes) == ({"c": 3}, 20)


@pytest.mark.parametrize(("written", "caught"), [(8, {"c": 1}), (9, {}), (9, {"d": 1})])
def test_an_answer_that_is_not_the_truth_is_refused(written, caught):
    job = Job("haulier", RECIPE, "", "jsonl", "")
    check(job, Measured(Answer(1, 1, 9, {"c": 1}), 0, 0))
    with pytest.raises(WrongAnswer, match="it should be 9"):
        check(job, Measured(Answer(1, 1, written, caught), 0, 0))


def test_a_job_and_an_answer_survive_json():
    job = Job("haulier", RECIPE, "http://x", "jsonl", "y", chunks=(0, 2), core=1, files=3)
    assert Job.from_json(job.to_json()) == job
    assert (job.read_bytes, job.truth.records) == (3_000_000, 30)
    answer = Answer(1.0, 2.0, 3, {"c": 1}, {"redone": 0})
    assert Answer.from_json(answer.to_json()) == answer


def test_cases_are_chosen_by_the_beginning_of_their_names():
    assert [case.name for case in chosen(CASES, ["csv"], quick=False)] == ["csv-jsonl", "csv-parquet"]
    assert chosen(CASES, [], quick=False) == list(CASES)
    assert all(case.quick for case in chosen(CASES, [], quick=True))
    assert [wanted("flat", only) for only in ([], ["fl"], ["csv"])] == [True, True, False]


def test_memory_is_read_from_what_the_kernel_says():
    assert memory_of("Name:\tx\nVmHWM:\t  200 kB\nRssAnon:\t 100 kB\n") == (102_400, 204_800)


def test_the_sizes_can_be_set():
    options = parser().parse_args(["records", "--gib", "0.5", "--flat-gib", "2", "--repeat", "1", "--only", "csv"])
    assert (options.gib, options.flat_gib, options.repeat, options.only) == (0.5, 2.0, 1, "csv")


def test_a_directory_that_is_not_the_benchs_is_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    assert main(["clean", "--data", str(tmp_path)]) == 1
    assert (tmp_path / "mine").exists()
    (tmp_path / MARK).touch()
    assert main(["clean", "--data", str(tmp_path)]) == 0
    assert not tmp_path.exists()
