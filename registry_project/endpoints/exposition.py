import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.history import activity
from agents.leases.fleet.last_count import recent_count
from agents.leases.fleet.tag_counts import recent_tag_counts
from agents.leases.purge.registry_uptime import report_uptime
from agents.leases.purge.sweep_mark import report_sweeps
from agents.metrics.counters import (
    COUNTERS,
    GAUGES,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS,
    PREFIX,
    PROBES,
    PURGES,
)
from agents.notifications.dispatch import seconds_behind
from agents.notifications.report import report_channels
from agents.probes.report import report_probes
from agents.states import State
from registry_project.version import VERSION

ALIVE, EXPIRED = "alive", "expired"


class RegistryCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", {(VERSION,): 1})
        try:
            metrics = [
                metric
                for part in (_agents, _sweeps, _uptime, _feed, _notifications, _probes)
                for metric in part()
            ]
        except UNAVAILABLE as error:
            log_unavailable(error)
            yield _gauge("database_up", {(): 0})
            return
        yield _gauge("database_up", {(): 1})
        yield from metrics


def exposition() -> bytes:
    """In Prometheus' text format, even without a database."""
    registry = CollectorRegistry()
    registry.register(RegistryCollector())
    return generate_latest(_counters()) + generate_latest(registry)


def _counters() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return COUNTERS
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def _agents() -> Iterator[Metric]:
    count = recent_count()
    yield _gauge(
        "agents",
        {
            (lease, state): count.in_state(state, expired=lease == EXPIRED)
            for state in State.values
            for lease in (ALIVE, EXPIRED)
        },
    )
    counted_at = count.at or timezone.now()
    yield _gauge("agents_counted_timestamp_seconds", {(): counted_at.timestamp()})
    tags = recent_tag_counts(settings.METRICS_TAGS)
    if tags:
        numbers = {(tag, ALIVE): number.alive for tag, number in tags.items()}
        numbers |= {(tag, EXPIRED): number.expired for tag, number in tags.items()}
        yield _gauge("tagged_agents", numbers)


def _sweeps() -> Iterator[Metric]:
    report = report_sweeps()
    if report.last_purge is not None:
        yield _gauge("last_sweep_timestamp_seconds", {(): report.last_purge.timestamp()})
    yield _gauge("sweep_overdue", {(): report.overdue})
    yield _gauge("held_agents", {(): report.held})
    yield _counter(PURGES, report.purged_in_total)


def _uptime() -> Iterator[Metric]:
    if (report := report_uptime()) is not None:
        yield _gauge("uptime_seconds", {(): report.seconds})


def _feed() -> Iterator[Metric]:
    readers = {"activity": activity.seconds_behind(), "notifications": seconds_behind()}
    lags = {(reader,): lag for reader, lag in readers.items() if lag is not None}
    if lags:
        yield _gauge("feed_lag_seconds", lags)


def _notifications() -> Iterator[Metric]:
    channels = report_channels()
    if not channels:
        return
    yield _gauge("notification_channel_works", {(one.name,): one.works for one in channels})
    yield _gauge("notifications_waiting", {(one.name,): one.waiting for one in channels})
    name, text = NOTIFICATIONS
    messages = CounterMetricFamily(PREFIX + name, text, labels=("channel", "result"))
    name, text = NOTIFICATION_FAILURES
    failures = CounterMetricFamily(PREFIX + name, text, labels=("channel",))
    for one in channels:
        messages.add_metric([one.name, "delivered"], one.delivered)
        messages.add_metric([one.name, "given_up"], one.given_up)
        failures.add_metric([one.name], one.failures)
    yield from (messages, failures)


def _probes() -> Iterator[Metric]:
    if settings.PROBE_NETWORKS is None or (report := report_probes()) is None:
        return
    yield _counter(PROBES, report.total)
    yield _gauge("probed_agents", {(one,): number for one, number in report.verdicts.items()})
    yield _gauge("probes_doubted", {(): report.is_doubted})
    yield _gauge("probe_lag_seconds", {(): report.seconds_late})


def _counter(described: tuple[str, str], number: int) -> CounterMetricFamily:
    name, text = described
    return CounterMetricFamily(PREFIX + name, text, value=number)


def _gauge(name: str, samples: Mapping[Any, float]) -> GaugeMetricFamily:
    """Return a gauge with a value for each tuple of its labels' values."""
    text, labels = GAUGES[name]
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for values, number in samples.items():
        family.add_metric(values, number)
    return family
