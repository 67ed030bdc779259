"""The embedded stack: an AWS emulator, the real CDK stacks and workers, as processes of this machine (DESIGN §9).

    info = up(workers=2, log=print)     # StackInfo; AlreadyUp if one is running
    info.client_environment()           # what a client must have in its environment
    info()                              # StackInfo, or None if nothing is up
    down(log=print)                     # whether there was something to stop

State lives in `.haulier/` at the repository's root, or where HAULIER_HOME says, and only as long as the stack.

Read in this order: `errors`, `clone` (where the repository is), `home` (where state is, and who holds it), `stack`
(what is known of a running stack), `lifecycle` (up, down, info), `supervisor` (the one process that outlives `up`, and
the parent of all others), `emulator`, `gateway` (its front), `recording` (who called what, for tests), `synthesis` (the
real CDK app), `deployment` (its templates through CloudFormation), `identity` (the shipped worker role, for workers
that are no ECS tasks), `credentials` (what a worker runs for its keys), `workers` (processes: started, started again,
scaled), `backlog` (what waits in the queues), `processes` (how children are ended, and the end of a log).
"""

from haulier.local.errors import AlreadyUp, LocalError
from haulier.local.lifecycle import down, info, up
from haulier.local.stack import StackInfo

__all__ = ["AlreadyUp", "LocalError", "StackInfo", "down", "info", "up"]
