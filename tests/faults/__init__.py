"""Faults: what a killed, interrupted, stalled or doubled worker leaves behind, and that nothing is lost by it."""
