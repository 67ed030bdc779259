"""How long to wait before the next try: exponential with full jitter.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""


def backoff(failures: int, random: float, *, base_seconds: float = 2.0, ceiling_seconds: float = 300.0) -> float:
    """Seconds to wait after the n-th failure.

    Args:
        failures: how many there were, from 1.
        random: a number in [0, 1), drawn by the caller.
        base_seconds: the most the first wait may be.
        ceiling_seconds: the most any wait may be.
    """
    most = min(ceiling_seconds, base_seconds * 2.0 ** min(max(failures, 1) - 1, 32))
    return random * float(most)
