"""How long to wait before the next try: exponential with full jitter.

After a service's failure the ceiling is three times as high: 50 uncounted tries (`limits.MAX_OUTAGES`) of half a
ceiling each on average are some five hours.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

FAILURE_CEILING_SECONDS = 300.0
OUTAGE_CEILING_SECONDS = 900.0


def backoff(
    failures: int, random: float, *, base_seconds: float = 2.0, ceiling_seconds: float = FAILURE_CEILING_SECONDS
) -> float:
    """Seconds to wait after the n-th failure.

    Args:
        failures: how many there were, from 1.
        random: a number in [0, 1), drawn by the caller.
        base_seconds: the most the first wait may be.
        ceiling_seconds: the most any wait may be.
    """
    most = min(ceiling_seconds, base_seconds * 2.0 ** min(max(failures, 1) - 1, 32))
    return random * float(most)
