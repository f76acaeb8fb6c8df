"""When the heartbeats of a fleet are due."""

import random
from array import array


def due_times(agents: int, rate: float, seconds: float, seed: int = 1) -> "array[float]":
    """Return the seconds from the start at which heartbeats are due, in order.

    Each agent sends one every `agents / rate` seconds, from a random moment on. So gaps between
    heartbeats vary as in a fleet; equal gaps, or bursts, would make batches of another size.
    """
    generator = random.Random(seed)
    period = agents / rate
    phases = sorted(generator.uniform(0, period) for _ in range(agents))
    due = array("d")
    start = 0.0
    while start < seconds:
        due.extend(start + phase for phase in phases if start + phase < seconds)
        start += period
    return due
