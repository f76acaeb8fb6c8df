"""Writes the figures into docs/performance.md, each section between two marks."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.programs import PROJECT

PAGE = PROJECT / "docs" / "performance.md"
PICTURE = PROJECT / "docs" / "images" / "heartbeat-cost.svg"
CLOSED_LOOP, OPEN_LOOP = "figures", "figures in open loop"


def write(section: str, figures: str, page: Path = PAGE) -> None:
    """Put `figures`, as Markdown, between the section's marks. Raises ValueError without them."""
    begin, end = marks(section)
    text = page.read_text()
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{page} has no marks {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{figures}\n\n{end}{after}")


def write_picture(picture: str, image: Path = PICTURE) -> None:
    image.parent.mkdir(exist_ok=True)
    image.write_text(picture)


def marks(section: str) -> tuple[str, str]:
    return f"<!-- {section}: begin, written by make bench -->", f"<!-- {section}: end -->"


def today() -> str:
    return datetime.now(UTC).date().isoformat()
