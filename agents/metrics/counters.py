"""All metrics. `endpoints.exposition` reads the gauges."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

PREFIX = "agent_registry_"
# They double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]

COUNTERS = CollectorRegistry()


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(PREFIX + name, text, labels, registry=COUNTERS)


REGISTRATIONS = _counter("registrations", "Registrations, of new agents and repeated ones.", "kind")
HEARTBEATS = _counter("heartbeats", "Leases renewed.")
DEREGISTRATIONS = _counter("deregistrations", "Agents deregistered, by themselves or an operator.")
REFUSALS = _counter("refusals", "Calls that got an error, by its code.", "reason")

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "database_up": ("Whether the database answers. The other gauges are missing without it.", ()),
    "agents": ("Agents with a record, by lease and the operator's state.", ("lease", "state")),
    "agents_age_seconds": ("How long ago the agents were counted; 0 for less than 10,000.", ()),
    "uptime_seconds": ("How long agents have been able to renew; 0 while no web process runs.", ()),
    "sweep_age_seconds": ("How long ago the last sweep ended; missing before the first.", ()),
    "sweep_overdue": ("Whether the next sweep is overdue.", ()),
    "sweep_purged": ("Agents that the last sweep purged.", ()),
    "sweep_held": ("Expired agents that the last sweep kept because too many expired at once.", ()),
}
# In the database, as mostly workers purge.
PURGED = ("purged", "Agents purged by sweeps.")

# Prometheus misses the first increase of a new series.
for _kind in ("new", "again"):
    REGISTRATIONS.labels(_kind)


def count_registration(*, created: bool) -> None:
    REGISTRATIONS.labels("new" if created else "again").inc()


def count_refusal(codes: Any, times: int = 1) -> None:
    REFUSALS.labels(codes if isinstance(codes, str) else "invalid").inc(times)


def count_renewed_here() -> int:
    """Since this process started."""
    [family] = HEARTBEATS.collect()
    return sum(int(sample.value) for sample in family.samples)
