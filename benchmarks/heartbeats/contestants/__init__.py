"""The systems to compare: each module starts its servers and prepares the requests to them."""

from benchmarks.heartbeats.contestants import a2a_registry, etcd, floor, naive, ours
from benchmarks.heartbeats.contestants.contestant import Contestant, Ground, Setup

# In the order of the table.
SETUPS: dict[str, Setup] = {
    "fast": ours.on_postgresql,
    "fast-sqlite": ours.on_sqlite,
    "drf": ours.without_door,
    "etcd": etcd.etcd,
    "oo-a2a-registry": a2a_registry.a2a_registry,
    "naive": naive.naive,
    "floor": floor.floor,
}

__all__ = ["SETUPS", "Contestant", "Ground"]
