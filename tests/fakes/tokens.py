"""Step Functions task tokens: each may be answered once.

`issued` names the tokens there are; None if a test makes up its own.
"""

from dataclasses import dataclass, field

from haulier.contracts.events import JobError
from tests.fakes.kill import Switch


@dataclass
class FakeTokens:
    switch: Switch
    answers: dict[str, str] = field(default_factory=dict)
    beats: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    issued: set[str] | None = None

    async def success(self, token: str) -> bool:
        return self._answer(token, "success")

    async def failure(self, token: str, error: JobError) -> bool:
        return self._answer(token, f"failure {error.code}")

    async def heartbeat(self, token: str) -> bool:
        self.beats.append(token)
        return self._alive(token)

    def _alive(self, token: str) -> bool:
        known = self.issued is None or token in self.issued
        return known and token not in self.dead and token not in self.answers

    def _answer(self, token: str, answer: str) -> bool:
        self.switch.before(f"token {answer}")
        alive = self._alive(token)
        if alive:
            self.answers[token] = answer
        self.switch.behind()
        return alive
