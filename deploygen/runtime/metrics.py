"""Prometheus's text format, version 0.0.4."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds.
BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


@dataclass(frozen=True)
class Sample:
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    # Such as _count.
    suffix: str = ""


@dataclass(frozen=True)
class Metric:
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    samples: list[Sample]


def exposition(metrics: Iterable[Metric]) -> str:
    return "".join(line for metric in metrics for line in _lines(metric))


class RunMetrics:
    """For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[str] = Counter({"done": 0, "failed": 0, "cancelled": 0})
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def note_end(self, state: str, seconds: float) -> None:
        place = sum(seconds > bound for bound in BUCKETS)
        with self._lock:
            self._ended[state] += 1
            self._buckets[place] += 1
            self._seconds += seconds

    def metrics(self) -> list[Metric]:
        with self._lock:
            ended, buckets, seconds = dict(self._ended), list(self._buckets), self._seconds
        total, samples = 0, []
        for bound, count in zip([*map(str, BUCKETS), "+Inf"], buckets, strict=True):
            total += count
            samples.append(Sample(total, {"le": bound}, "_bucket"))
        samples += [Sample(seconds, suffix="_sum"), Sample(total, suffix="_count")]
        return [
            Metric(
                "agent_runs_total",
                "counter",
                "Runs that have ended, by how.",
                [Sample(count, {"state": state}) for state, count in ended.items()],
            ),
            Metric("agent_run_seconds", "histogram", "How long runs took.", samples),
        ]


def _lines(metric: Metric) -> Iterable[str]:
    yield f"# HELP {metric.name} {metric.description}\n"
    yield f"# TYPE {metric.name} {metric.kind}\n"
    for sample in metric.samples:
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
        name = metric.name + sample.suffix + (f"{{{labels}}}" if labels else "")
        yield f"{name} {sample.value!r}\n"


def _escaped(text: str) -> str:
    return re.sub(r'[\\"]', r"\\\g<0>", text).replace("\n", r"\n")
