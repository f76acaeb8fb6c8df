from registry_project.environment import WrongValue
from registry_project.settings.base import env

MOST_TAGS = 32


def parse_tags(text: str) -> list[str]:
    """Raise WrongValue: each tag has time series of its own, and is looked for in each agent."""
    tags = list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))
    if len(tags) > MOST_TAGS:
        raise WrongValue(f"these are {len(tags)}")
    return tags


METRICS_TAGS: list[str] = env.parsed(
    "METRICS_TAGS",
    [],
    parse_tags,
    takes=f"at most {MOST_TAGS} tags of agents, separated by commas",
)
