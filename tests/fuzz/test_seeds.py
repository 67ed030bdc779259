import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out_when_a_seed_is_read(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=150)
def test_only_our_own_errors_come_out_when_a_seed_is_mutated(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    at = data.draw(st.integers(0, len(seed)))
    until = data.draw(st.integers(at, min(len(seed), at + 8)))
    TARGETS[name](seed[:at] + data.draw(st.binary(max_size=6)) + seed[until:])
