"""When this task asks ECS to be left alone by scale-in and deployments: while it works, but not for ever. Pure.

Protection lasts ten minutes and is renewed at half time, so a dead worker blocks nothing for long. It is asked for at
idle → busy and given up at busy → idle (after a moment: small files come in bursts, and each change is a call to ECS).
It protects neither from Spot nor from a failed health check, and nothing waits for it: work goes on with or without.

ECS answers `DEPLOYMENT_BLOCKED` when protected tasks keep a deployment from ending: then nothing new is taken for a
while. And however long there is work, protection ends: after the longest time it is not renewed and nothing new is
taken, until what runs has ended (then it is given up, and everything begins anew) or ECS stops the task, whose chunk
goes on in the on-demand queue after its second release.
"""

from dataclasses import dataclass

from worker.ports import AgentReply

MINUTES = 10
RENEW_SECONDS = MINUTES * 60 / 2
LINGER_SECONDS = 10.0
BLOCKED_SECONDS = 60.0
TROUBLE_SECONDS = 30.0
BLOCKED = "DEPLOYMENT_BLOCKED"
NO_SERVICE = "TASK_NOT_VALID"
"""ECS, API failure reasons: the task belongs to no service, so nobody would scale it in."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What ECS is asked for. `minutes` is None where protection is given up."""

    enabled: bool
    minutes: int | None = None


class Protection:
    """Called by the keeper's thread; `receiving` is read by the loop's.

    Attributes:
        receiving: whether new messages may be taken.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._useless = False
        self._until: float | None = None
        self._renew_at = 0.0
        self._since: float | None = None
        self._idle_since: float | None = None
        self._not_before = 0.0
        self._blocked_until = 0.0
        self.receiving = True

    def decide(self, now: float, *, busy: bool) -> Ask | None:
        """What is to be asked now, if anything; each must be followed by one `answered`.

        Args:
            now: monotonic seconds.
            busy: whether any message is held.
        """
        if self._useless:
            return None
        if self._until is not None and now >= self._until:
            self._until = None
        ask = self._busy(now) if busy else self._idle(now)
        self.receiving = now >= self._blocked_until and not self._is_over(now)
        return ask if now >= self._not_before else None

    def answered(self, ask: Ask, reply: AgentReply, now: float) -> None:
        """What ECS said; `now` is when it was asked, so that protection is never believed in for too long."""
        if reply.failure == NO_SERVICE:
            self._useless, self.receiving = True, True
        elif reply.failure == BLOCKED:
            self._blocked_until = self._not_before = now + BLOCKED_SECONDS
            self.receiving = False
        elif reply.failure is not None or reply.trouble is not None:
            self._not_before = now + TROUBLE_SECONDS
            if ask.enabled and reply.trouble is not None:
                # It may have come to pass: it is asked for again, and given up in the end.
                self._until, self._renew_at = now + (ask.minutes or MINUTES) * 60, now
        elif ask.enabled:
            minutes = ask.minutes or MINUTES
            self._until, self._renew_at = now + minutes * 60, now + minutes * 60 / 2
        else:
            self._until = self._since = None

    def _busy(self, now: float) -> Ask | None:
        self._idle_since = None
        if self._since is None:
            self._since = now
        left = self._since + self._longest_seconds - now
        if left <= 0 or (self._until is not None and now < self._renew_at):
            return None
        return Ask(enabled=True, minutes=max(min(MINUTES, int(left / 60)), 1))

    def _idle(self, now: float) -> Ask | None:
        if self._idle_since is None:
            self._idle_since = now
        if self._until is None:
            self._since = None
            return None
        # Once the longest time is over, nothing is taken until it is given up: at once.
        due = self._is_over(now) or now - self._idle_since >= LINGER_SECONDS
        return Ask(enabled=False) if due else None

    def _is_over(self, now: float) -> bool:
        return self._since is not None and now - self._since >= self._longest_seconds
