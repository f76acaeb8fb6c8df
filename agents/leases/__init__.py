"""The only writer of agents. Each change is committed with its event."""

from agents.leases.application import Application
from agents.leases.cards import card_of
from agents.leases.deregister import deregister
from agents.leases.errors import LeaseLocked, Miss, StaleLease, UnknownAgent
from agents.leases.extend import extend
from agents.leases.leftovers import delete_leftovers
from agents.leases.purge.delete import purge_one
from agents.leases.purge.sweep import Purge, purge_expired
from agents.leases.register import register, register_many
from agents.leases.reindex import reindex
from agents.leases.renew import Renewal, Renewed, renew, renew_many
from agents.leases.set_state import set_state
from agents.leases.take_back import take_back_extension, take_back_state
from agents.leases.upsert import Registration

__all__ = [
    "Application",
    "LeaseLocked",
    "Miss",
    "Purge",
    "Registration",
    "Renewal",
    "Renewed",
    "StaleLease",
    "UnknownAgent",
    "card_of",
    "delete_leftovers",
    "deregister",
    "extend",
    "purge_expired",
    "purge_one",
    "register",
    "register_many",
    "reindex",
    "renew",
    "renew_many",
    "set_state",
    "take_back_extension",
    "take_back_state",
]
