"""All metrics. `endpoints.exposition` reads the gauges.

Names follow https://prometheus.io/docs/practices/naming/.
"""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

from agents.metrics.batch_histogram import BatchHistogram

PREFIX = "agent_registry_"
# They double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]

COUNTERS = CollectorRegistry()


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(PREFIX + name, text, labels, registry=COUNTERS)


REGISTRATIONS = _counter("registrations", "Registrations, of new agents and repeated ones.", "kind")
HEARTBEATS = _counter("heartbeats", "Leases renewed.")
DEREGISTRATIONS = _counter("deregistrations", "Agents deregistered, by themselves or an operator.")
EXPIRIES = _counter("expiries", "Leases that ended without a heartbeat.")
RECOVERIES = _counter("recoveries", "Expired agents that renewed their leases.")
REFUSALS = _counter("refusals", "Calls that got an error, by its code.", "reason")
HEARTBEAT_SECONDS = BatchHistogram(
    PREFIX + "heartbeat_seconds",
    "From the arrival of a call with heartbeats to the commit that renews their leases.",
    registry=COUNTERS,
    buckets=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
)

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "build_info": ("1, with the version of the registry.", ("version",)),
    "database_up": ("Whether the database answers. The other gauges are missing without it.", ()),
    "agents": ("Agents with a record, by lease and the operator's state.", ("lease", "state")),
    "agents_counted_timestamp_seconds": ("When the agents were counted.", ()),
    "tagged_agents": ("Agents with a tag of METRICS_TAGS, by lease.", ("tag", "lease")),
    "uptime_seconds": ("How long agents have been able to renew; 0 while no web process runs.", ()),
    "last_sweep_timestamp_seconds": ("When the last sweep ended; missing before the first.", ()),
    "sweep_overdue": ("Whether the next sweep is overdue.", ()),
    "held_agents": ("Expired agents that the last sweep kept: too many expired at once.", ()),
    "notification_channel_works": (
        "Whether a notification channel is enabled, and its last attempt arrived.",
        ("channel",),
    ),
    "notifications_waiting": ("Messages to be delivered, by channel.", ("channel",)),
    "probed_agents": ("Living agents by what their probes have found.", ("verdict",)),
    "probes_doubted": ("Whether so many agents fail that no verdict is believed.", ()),
    "probe_lag_seconds": ("For how long the longest due agent has waited for its probe.", ()),
    "feed_lag_seconds": ("Age of the oldest event that a reader has not read.", ("reader",)),
}
# In the database, as workers make them.
PURGES = ("purges", "Agents purged by sweeps.")
NOTIFICATIONS = ("notifications", "Messages to channels, by what became of them.")
NOTIFICATION_FAILURES = ("notification_failures", "Attempts to deliver that failed, by channel.")
PROBES = ("probes", "Calls to agents to see whether they are ready.")

# Prometheus misses the first increase of a new series.
for _kind in ("new", "again"):
    REGISTRATIONS.labels(_kind)


def count_registration(*, created: bool) -> None:
    REGISTRATIONS.labels("new" if created else "again").inc()


def count_refusal(codes: Any, times: int = 1) -> None:
    REFUSALS.labels(codes if isinstance(codes, str) else "invalid").inc(times)


def count_renewed_here() -> int:
    [family] = HEARTBEATS.collect()
    return sum(int(sample.value) for sample in family.samples)
