import os
from pathlib import Path

import pytest

from haulier.local.home import HOME_VARIABLE, Home, held, holder, note_supervisor, take_lock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_nobody_holds_a_home_that_was_never_used(home: Home):
    assert holder(home) is None
    assert not home.root.exists()


def test_the_lock_names_the_supervisor_while_it_is_held(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    assert holder(home) == 0
    note_supervisor(lock, 4711)
    assert holder(home) == 4711
    os.close(lock)
    assert holder(home) is None


def test_a_second_stack_does_not_get_the_lock(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    assert take_lock(home.lock) is None
    os.close(lock)


def test_a_lock_stays_held_as_long_as_a_copy_of_it_is_open(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    child_s = os.dup(lock)
    os.close(lock)
    assert holder(home) is not None
    os.close(child_s)
    assert holder(home) is None


def test_children_that_lost_their_supervisor_are_told_from_a_stack_that_is_well(home: Home):
    lock, supervised = take_lock(home.lock), take_lock(home.supervised)
    assert lock is not None
    assert supervised is not None
    assert held(home.supervised)
    os.close(supervised)
    assert holder(home) is not None
    assert not held(home.supervised)
    os.close(lock)


def test_clearing_leaves_what_is_not_ours(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    home.prepare()
    (home.objects / "body").write_text("x")
    (home.root / "notes.txt").write_text("mine")
    home.write_state({"pid": 1})
    home.clear()
    home.remove()
    os.close(lock)
    assert [path.name for path in home.root.iterdir()] == ["notes.txt"]


def test_an_empty_home_goes_with_its_stack(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    home.prepare()
    home.clear()
    home.remove()
    os.close(lock)
    assert not home.root.exists()


def test_logs_are_kept_when_asked_for(home: Home):
    lock = take_lock(home.lock)
    assert lock is not None
    home.prepare()
    (home.logs / "emulator.log").write_text("why")
    home.clear(keep_logs=True)
    home.remove()
    os.close(lock)
    assert (home.logs / "emulator.log").read_text() == "why"
    assert holder(home) is None


def test_state_is_read_as_written_and_half_a_file_is_no_state(home: Home):
    home.root.mkdir()
    assert home.read_state() is None
    home.write_state({"pid": 1})
    assert home.read_state() == {"pid": 1}
    home.state.write_text('{"pid": ')
    assert home.read_state() is None


def test_the_place_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    assert Home.find(tmp_path).root == tmp_path / ".haulier"
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "else"))
    assert Home.find(tmp_path).root == tmp_path / "else"
