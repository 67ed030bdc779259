"""Messages and time: what is received, held, renewed, settled, and how the worker stops. Knows nothing of bytes.

Read in this order: `loop` (receive, start, drain), `intake` (which queue is asked for how much), `circuit` (nothing
while a service fails), `message` (one message from receipt to settlement), `held` (what is held meanwhile), `keeper`
(renews everything held), `protection` (asks ECS to be left alone), `pulse` (the thread the keeper lives on), `closing`
(commit and all later steps), `handback` (a chunk that was not finished), `settle` (outcome to what becomes of the
message), `settler` (does it), `measured` (what is learnt of it), `meter` (when it is told), `shutdown` (signals),
`health` (the liveness mark).
"""
