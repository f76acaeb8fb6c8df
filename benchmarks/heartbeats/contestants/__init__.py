"""The systems to compare: each module starts its servers and prepares the requests to them."""

from benchmarks.heartbeats.contestants import a2a_registry, etcd, floor, naive, registry
from benchmarks.heartbeats.contestants.contestant import (
    HEARTBEATS,
    REGISTRATIONS,
    Contestant,
    HttpContestant,
    Setup,
    Workspace,
)

# In the order of the table.
SETUPS: dict[str, Setup] = {
    "fast": registry.on_postgresql,
    "fast-sqlite": registry.on_sqlite,
    "drf": registry.without_fast_path,
    "etcd": etcd.etcd,
    "oo-a2a-registry": a2a_registry.a2a_registry,
    "naive": naive.naive,
    "floor": floor.floor,
    "register": registry.registering,
}

__all__ = [
    "HEARTBEATS",
    "REGISTRATIONS",
    "SETUPS",
    "Contestant",
    "HttpContestant",
    "Workspace",
]
