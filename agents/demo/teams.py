"""Teams that run agents in the demonstration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Team:
    """`versions`: oldest first, with the age of each in days."""

    name: str
    description: str
    skills: tuple[str, ...]
    tags: tuple[str, ...]
    model: str
    size: int
    versions: tuple[tuple[int, str], ...]

    def version(self, days_ago: float) -> str:
        return [number for day, number in self.versions if day >= days_ago][-1]


TEAMS = (
    Team(
        name="weather",
        description="Forecasts and warnings for a place.",
        skills=("forecast", "alerts"),
        tags=("public",),
        model="small",
        size=9,
        versions=((31, "1.6.0"), (17, "1.7.0"), (4, "1.7.1")),
    ),
    Team(
        name="billing",
        description="Invoices, refunds and questions about them.",
        skills=("invoice", "refund"),
        tags=("internal", "pci"),
        model="small",
        size=6,
        versions=((31, "3.2.1"), (11, "3.3.0")),
    ),
    Team(
        name="support",
        description="Answers customers, and hands over to people.",
        skills=("triage", "answer", "translate"),
        tags=("public", "chat"),
        model="large",
        size=12,
        versions=((31, "2.0.4"), (24, "2.1.0"), (9, "2.2.0"), (2, "2.2.1")),
    ),
    Team(
        name="search",
        description="Finds passages in the documents of a customer.",
        skills=("retrieve", "rerank"),
        tags=("internal",),
        model="embedding",
        size=8,
        versions=((31, "0.9.12"), (6, "0.10.0")),
    ),
    Team(
        name="vision",
        description="Describes pictures and reads text in them.",
        skills=("caption", "ocr"),
        tags=("gpu",),
        model="vision",
        size=6,
        versions=((31, "1.3.9"), (13, "1.4.0"), (1, "1.4.1")),
    ),
    Team(
        name="reports",
        description="Writes the weekly reports.",
        skills=("summarise", "chart"),
        tags=("internal",),
        model="large",
        size=5,
        versions=((31, "5.1.0"), (20, "5.2.0")),
    ),
    Team(
        name="crawler",
        description="Reads websites and extracts what changed.",
        skills=("crawl", "extract"),
        tags=("public",),
        model="small",
        size=8,
        versions=((31, "0.4.0"), (15, "0.5.0"), (3, "0.5.1")),
    ),
)
HOSTS = tuple(f"{region}-node-{number:02}" for region in ("eu", "us") for number in range(1, 7))
