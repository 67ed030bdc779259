import re
from pathlib import Path

import worker
from worker.log import EVENTS, write_line

_EVENT = re.compile(r"_?log\.(?:debug|info|warning|error|exception)\(\s*(?:\"([^\"]+)\" if .*? else )?\"([^\"]+)\"")


def test_the_list_of_events_is_complete_when_it_is_compared_with_the_code():
    used = set()
    for path in Path(worker.__file__).parent.rglob("*.py"):
        for found in _EVENT.finditer(path.read_text()):
            used |= {name for name in found.groups() if name}
    assert used == EVENTS


def test_events_are_named_noun_verb_past():
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", event) for event in EVENTS)


def test_a_line_that_is_json_already_goes_where_the_log_goes(capsys):
    write_line('{"a": 1}')
    assert capsys.readouterr().out == '{"a": 1}\n'
