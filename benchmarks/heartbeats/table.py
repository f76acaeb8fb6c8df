"""The figures as a table, for a terminal and as Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.heartbeats.contestants import Contestant
from benchmarks.heartbeats.measurement import Figures
from benchmarks.heartbeats.ratios import Ratio


def headings(counts: str) -> Sequence[str]:
    return ("contestant", "CPU s per 1,000", f"{counts}/s", "p50 ms", "p99 ms", "what it is")


def rows(
    contestants: Sequence[Contestant], measured: Mapping[str, Figures], counts: str
) -> list[tuple[str, ...]]:
    """Return a row for each contestant whose requests do what `counts` says."""
    return [
        (
            contestant.name,
            f"{of.cpu:.4f}",
            f"{of.per_second:,.0f}",
            f"{of.p50:.2f}",
            f"{of.p99:.2f}",
            contestant.what,
        )
        for contestant in contestants
        if contestant.counts == counts and (of := measured.get(contestant.name)) is not None
    ]


def plain(table: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    """Align all columns but the first and the last to the right."""
    lines = [headings, *table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    last = len(headings) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(table: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    lines = [headings, ("---", *["---:"] * (len(headings) - 2), "---"), *table]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_ratios(ratios: Sequence[Ratio]) -> str:
    lines: list[Sequence[str]] = [
        ("ratio", "of", "seen", "at most"),
        ("---", "---", "---:", "---:"),
    ]
    for ratio in ratios:
        seen = "missing" if ratio.value is None else f"{ratio.value:.3f}"
        lines.append((ratio.name, f"{ratio.ours} / {ratio.theirs}", seen, f"{ratio.limit:g}"))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
