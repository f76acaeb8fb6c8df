"""What Prometheus is told: the names of all metrics, and what each process counts.

Counters are of the web processes, which `/metrics` adds up; gauges are read from the database when
they are asked for, by `registry_project.endpoints.exposition`.
"""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

PREFIX = "agent_registry_"
# When a counter began is a series for each counter, and tells what a reset of it tells as well.
disable_created_metrics()  # type: ignore[no-untyped-call]

COUNTERS = CollectorRegistry()


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(PREFIX + name, text, labels, registry=COUNTERS)


REGISTRATIONS = _counter("registrations", "Registrations taken, of new agents or again.", "kind")
HEARTBEATS = _counter("heartbeats", "Leases renewed.")
DEREGISTRATIONS = _counter("deregistrations", "Agents deregistered, by themselves or an operator.")
REFUSALS = _counter("refusals", "Calls that were answered with an error, by its code.", "reason")

# name -> what it is, and its labels
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "database_up": ("Whether the database answers. The other gauges are missing without it.", ()),
    "agents": ("Agents that have a record, by lease and the operator's state.", ("lease", "state")),
    "uptime_seconds": ("For how long agents have been able to renew; 0 while no web pulses.", ()),
    "sweep_age_seconds": ("How long ago the last sweep ended; missing before the first.", ()),
    "sweep_overdue": ("Whether the next sweep is overdue.", ()),
    "sweep_purged": ("Agents that the last sweep purged.", ()),
    "sweep_held": ("Expired agents that the last sweep kept, as too many expired at once.", ()),
}
# Counted in the database, since it is mostly the workers who purge.
PURGED = ("purged", "Agents purged by sweeps.")

# Series that are there from the start show their first increase.
for _kind in ("new", "again"):
    REGISTRATIONS.labels(_kind)


def count_registration(*, created: bool) -> None:
    REGISTRATIONS.labels("new" if created else "again").inc()


def count_refusal(codes: Any) -> None:
    """Count an error that a caller of the API was told.

    `codes` are DRF's, of which there are a few: one, or those of the fields that were wrong.
    """
    REFUSALS.labels(codes if isinstance(codes, str) else "invalid").inc()


def count_renewed_here() -> int:
    """Return how many leases this process has renewed since it began."""
    [family] = HEARTBEATS.collect()
    return sum(int(sample.value) for sample in family.samples)
