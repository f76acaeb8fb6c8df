"""The clients that are tried, and what each has to show."""

from dataclasses import dataclass

TEXT = "one two three"


@dataclass(frozen=True)
class Client:
    """A client that calls agents.

    `program`: in programs/; prints what the client shows as JSON. `requirements`: of Python; none
    for Node, whose lock is beside the program. `shows_of_pieces`: what it shows of a handler that
    yields; `remark` says why that is not the text.
    """

    title: str
    package: str
    program: str
    requirements: tuple[str, ...] = ()
    shows_of_pieces: str = TEXT
    remark: str = ""


CLIENTS = {
    "js": Client("@a2a-js/sdk", "@a2a-js/sdk", "js_sdk.mjs"),
    "google_adk": Client(
        "google-adk, `RemoteA2aAgent`", "google-adk", "google_adk.py", ("google-adk[a2a]",)
    ),
    "agent_framework": Client(
        "agent-framework, `A2AAgent`",
        "agent-framework-a2a",
        "agent_framework.py",
        ("agent-framework-a2a>=1.0.0b1",),
    ),
    "strands": Client(
        "strands-agents, `A2AAgent`",
        "strands-agents",
        "strands_agents.py",
        ("strands-agents[a2a]",),
    ),
    "beeai": Client(
        "beeai-framework, `A2AAgent`", "beeai-framework", "beeai.py", ("beeai-framework[a2a]",)
    ),
    "crewai": Client(
        "crewai, its delegation by A2A",
        "crewai",
        "crew_ai.py",
        ("crewai[a2a]",),
        shows_of_pieces=f"one  two  three {TEXT}",
        remark='the text, with `accepted_output_modes=["text/plain"]`, since it asks for JSON '
        "alone by default, but shows text; twice if the handler yields, since it joins all chunks",
    ),
}
