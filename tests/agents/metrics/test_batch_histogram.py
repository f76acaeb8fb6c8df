"""Many observations in one call count as each of them would."""

from collections.abc import Callable

from hypothesis import given, strategies
from prometheus_client import CollectorRegistry

from agents.metrics.batch_histogram import BatchHistogram

AMOUNTS = strategies.lists(strategies.sampled_from([0.0, 0.001, 0.01, 0.02, 0.1, 0.5, 1.0, 7.0]))


def samples(observe: Callable[[BatchHistogram], None]) -> dict[tuple[str, str], float]:
    histogram = BatchHistogram("a", "", registry=CollectorRegistry(), buckets=[0.01, 0.1, 1])
    observe(histogram)
    [family] = histogram.collect()
    return {(one.name, one.labels.get("le", "")): round(one.value, 6) for one in family.samples}


@given(amounts=AMOUNTS)
def test_many_observations_count_as_each_of_them_would(amounts: list[float]) -> None:
    def one_by_one(histogram: BatchHistogram) -> None:
        for amount in amounts:
            histogram.observe(amount)

    assert samples(lambda histogram: histogram.observe_all(amounts)) == samples(one_by_one)
