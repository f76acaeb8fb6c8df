from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from prometheus_client import Histogram


class BatchHistogram(Histogram):
    def observe_all(self, amounts: Sequence[float]) -> None:
        """Like `observe` of each, at the cost of a few: it writes once to each bucket."""
        self._sum.inc(sum(amounts))
        buckets = Counter(bisect_left(self._upper_bounds, amount) for amount in amounts)
        for index, number in buckets.items():
            self._buckets[index].inc(number)
