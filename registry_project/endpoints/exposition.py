import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.leases.fleet.last_count import recent_count
from agents.leases.purge.registry_uptime import report_uptime
from agents.leases.purge.sweep_mark import report_sweeps
from agents.metrics.counters import COUNTERS, GAUGES, PREFIX, PURGED
from agents.states import State


class FleetCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        try:
            metrics = [*_agents(), *_sweeps(), *_uptime()]
        except UNAVAILABLE as error:
            log_unavailable(error)
            yield _gauge("database_up", 0)
            return
        yield _gauge("database_up", 1)
        yield from metrics


def exposition() -> bytes:
    """In Prometheus' text format, even without a database."""
    fleet = CollectorRegistry()
    fleet.register(FleetCollector())
    return generate_latest(_counters()) + generate_latest(fleet)


def _counters() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return COUNTERS
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def _agents() -> Iterator[Metric]:
    count = recent_count()
    family = GaugeMetricFamily(PREFIX + "agents", GAUGES["agents"][0], labels=GAUGES["agents"][1])
    for state in State.values:
        for lease, expired in (("alive", False), ("expired", True)):
            family.add_metric([lease, state], count.in_state(state, expired=expired))
    yield family
    yield _gauge("agents_age_seconds", count.age)


def _sweeps() -> Iterator[Metric]:
    report = report_sweeps()
    if report.age is not None:
        yield _gauge("sweep_age_seconds", report.age)
    yield _gauge("sweep_overdue", report.overdue)
    yield _gauge("sweep_purged", report.purged)
    yield _gauge("sweep_held", report.held)
    name, text = PURGED
    yield CounterMetricFamily(PREFIX + name, text, value=report.purged_in_total)


def _uptime() -> Iterator[Metric]:
    if (report := report_uptime()) is not None:
        yield _gauge("uptime_seconds", report.seconds)


def _gauge(name: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, GAUGES[name][0], value=value)
