"""How wrong settings are told: all of them at once, each by the variable a person has set."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import ValidationError

from haulier.contracts import environment
from haulier.contracts.environment import PREFIX
from infra.settings import Settings


def problems(error: ValidationError) -> Iterator[str]:
    """A line for each setting that is wrong, or for each sentence about settings that contradict each other."""
    for problem in error.errors():
        where, text = problem["loc"], problem["msg"].removeprefix("Value error, ")
        inside = "".join(f" {part}:" for part in where[1:] if part != "[key]")
        for sentence in text.splitlines():
            yield f"{variable(str(where[0]))}:{inside} {sentence}" if where else _with_variables(sentence)


def misspelt(given: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that is no setting and looks like one: it would be passed over in silence."""
    settings = [variable(name) for name in Settings.model_fields]
    known = {*settings, *(text for text in vars(environment).values() if isinstance(text, str))}
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in known and (close := get_close_matches(name, settings, 1, 0.85)):
            yield f"{name} is no setting; {close[0]} is"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _with_variables(sentence: str) -> str:
    return " ".join(variable(word) if word in Settings.model_fields else word for word in sentence.split(" "))
