"""Writes the figures into docs/performance.md, between two marks."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.programs import PROJECT

PAGE = PROJECT / "docs" / "performance.md"
PICTURE = PROJECT / "docs" / "images" / "heartbeat-cost.svg"
BEGIN, END = "<!-- figures: begin, written by make bench -->", "<!-- figures: end -->"


def write(figures: str, picture: str, page: Path = PAGE, image: Path = PICTURE) -> None:
    """Put `figures`, as Markdown, between the marks. Raises ValueError without them."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks {BEGIN} and {END}")
    image.parent.mkdir(exist_ok=True)
    image.write_text(picture)
    page.write_text(f"{before}{begin}\n\n{figures}\n\n{end}{after}")


def today() -> str:
    return datetime.now(UTC).date().isoformat()
