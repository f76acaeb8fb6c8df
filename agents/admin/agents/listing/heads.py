from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.http import urlencode

from agents.admin.agents.listing.columns import COLUMNS
from agents.admin.agents.listing.filters import ORDER
from agents.admin.agents.listing.sorting import KEYS, WORST_FIRST, Sort


@dataclass(frozen=True)
class Head:
    """`url`: sorts by the column, or the other way round. `sorted`: for aria-sort."""

    name: str
    title: str
    url: str = ""
    sorted: str = ""


def heads(sorts: Sequence[Sort], others: Sequence[tuple[str, str]]) -> list[Head]:
    """`others`: the parameters besides the order."""
    first = sorts[0]
    made = []
    for column in COLUMNS:
        if not column.sort:
            made.append(Head(column.name, column.title))
            continue
        is_first = first.key.name == column.sort
        sort = first.other_way if is_first else Sort(KEYS[column.sort])
        pairs = [*others] if sort == WORST_FIRST else [*others, (ORDER, str(sort))]
        direction = "descending" if first.descends else "ascending"
        url = f"?{urlencode(pairs)}"
        made.append(Head(column.name, column.title, url, direction if is_first else ""))
    return made
