"""What people should look at, worst first, and what they do not want to see for a while."""

from agents.attention.concerns import Concern, Finding, find_concerns, without_muted
from agents.attention.mutes import MUTES, active_mutes, mute, unmute
from agents.attention.problems import Problem

__all__ = [
    "MUTES",
    "Concern",
    "Finding",
    "Problem",
    "active_mutes",
    "find_concerns",
    "mute",
    "unmute",
    "without_muted",
]
