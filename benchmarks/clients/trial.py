"""Calls an agent that returns its text, and one that yields it by words, with one client."""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clients.clients import TEXT, Client
from benchmarks.clients.environments import ClientFailed, install, run, version
from tests.deploygen.runtime.running_agent import running_agent

CALL_SECONDS = 120
# Each handler writes the version of A2A that it is called with.
NOTE = """
from pathlib import Path
def note(context):
    Path({path!r}).write_text(context.headers.get("A2A-Version") or "0.3")
"""
RETURNS = """
def handle(inputs, context):
    note(context)
    return {"output": inputs["input"]}
"""
YIELDS = """
def handle(inputs, context):
    note(context)
    first, *others = inputs["input"].split()
    yield first
    for word in others:
        yield f" {word}"
"""


@dataclass
class Trial:
    """`shown`: of the two agents' answers. `problem` is "" if these are the expected ones."""

    version: str = ""
    a2a: str = ""
    shown: list[str] = field(default_factory=list)
    problem: str = ""


def try_client(name: str, client: Client) -> Trial:
    trial = Trial()
    try:
        command = install(name, client)
        trial.version = version(name, client)
        trial.shown = [_call(command, handler, trial) for handler in (RETURNS, YIELDS)]
    except ClientFailed as error:
        trial.problem = str(error)
    else:
        expected = [TEXT, client.shows_of_pieces]
        if trial.shown != expected:
            trial.problem = f"it shows {trial.shown} instead of {expected}"
    return trial


def _call(command: list[str], handler: str, trial: Trial) -> str:
    """Return what the client shows. Raises ClientFailed."""
    with tempfile.TemporaryDirectory() as name:
        noted = Path(name) / "version"
        with running_agent(Path(name), NOTE.format(path=str(noted)) + handler) as agent:
            agent.wait_until_ready()
            printed = run([*command, agent.url, TEXT], CALL_SECONDS)
        trial.a2a = noted.read_text() if noted.exists() else ""
    # A framework may print more.
    lines = [line for line in printed.splitlines() if line.startswith('{"answer"')]
    if not lines:
        raise ClientFailed(f"it prints no answer: {printed}")
    shown: dict[str, str] = json.loads(lines[-1])
    return shown["answer"]
