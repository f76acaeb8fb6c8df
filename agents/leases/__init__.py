"""The only writer of agents: every door (API, task, command, admin) leads here.

A lease belongs to one registration, its generation. Each change and the event that tells of it
are committed together.
"""

from agents.leases.deleting import deregister, purge
from agents.leases.extending import extend
from agents.leases.history import trim_history
from agents.leases.misses import LeaseLocked, Miss, StaleLease, UnknownAgent
from agents.leases.operating import STATE_EVENTS, set_state
from agents.leases.purging import Purge, purge_expired
from agents.leases.registering import register
from agents.leases.renewing import Renewal, Renewed, renew, renew_many
from agents.leases.taking import Registration

__all__ = [
    "STATE_EVENTS",
    "LeaseLocked",
    "Miss",
    "Purge",
    "Registration",
    "Renewal",
    "Renewed",
    "StaleLease",
    "UnknownAgent",
    "deregister",
    "extend",
    "purge",
    "purge_expired",
    "register",
    "renew",
    "renew_many",
    "set_state",
    "trim_history",
]
