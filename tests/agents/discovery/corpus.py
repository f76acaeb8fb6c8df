"""Some 150 agents with cards as people write them."""

from pathlib import Path
from typing import Any

CORPUS = Path(__file__).with_name("corpus.txt")


def cards() -> dict[str, dict[str, Any]]:
    """Return the agents of the corpus: a line has id, name, description, skills and tags."""
    found = {}
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        agent_id, name, description, skills, tags = (part.strip() for part in line.split("|"))
        skill_tags = [tag.strip() for tag in tags.split(",")]
        found[agent_id] = {
            "name": name,
            "description": description,
            "version": "1.0.0",
            "supportedInterfaces": [
                {
                    "url": f"http://{agent_id}.example/a2a",
                    "protocolBinding": "JSONRPC",
                    "protocolVersion": "1.0",
                }
            ],
            "capabilities": {"streaming": False},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [_skill(skill, skill_tags) for skill in skills.split(";")],
        }
    return found


def _skill(text: str, tags: list[str]) -> dict[str, Any]:
    skill_id, name, description = (part.strip() for part in text.split(":"))
    return {"id": skill_id, "name": name, "description": description, "tags": tags}
