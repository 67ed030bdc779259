"""Kills the worker at a chosen call of any port, before or after the call has happened."""


class Killed(BaseException):
    """SIGKILL, as far as a coroutine can tell: nothing may catch it and go on."""


class Switch:
    """Counts calls; the n-th is the last. From then on every call dies, so that no clean-up can reach a service.

    Attributes:
        calls: names of the calls made so far.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at: int | None = None
        self.after = False
        self.dead = False

    def arm(self, at: int | None, *, after: bool = False) -> None:
        """Dies at call `at` (from 0) from now on: before it takes effect, or after it but before its answer arrives."""
        self.calls.clear()
        self.at, self.after, self.dead = at, after, False

    def before(self, name: str) -> None:
        if self.dead:
            raise Killed
        self.calls.append(name)
        if self.at is not None and len(self.calls) - 1 == self.at and not self.after:
            self.dead = True
            raise Killed

    def behind(self) -> None:
        if self.dead:
            raise Killed
        if self.at is not None and len(self.calls) - 1 == self.at and self.after:
            self.dead = True
            raise Killed
