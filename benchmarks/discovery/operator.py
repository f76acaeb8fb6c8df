"""An operator of the registry, who sets the states of agents.

A process of its own, as it uses the registry's code and database.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

import django

READY, DONE, UNKNOWN = "ready", "done", "unknown"


class OperatorEnded(Exception):
    pass


class Operator:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
        )
        self._answer()

    def set_state(self, agent_id: str, state: str) -> None:
        print(agent_id, state, file=self._process.stdin, flush=True)
        self._answer()

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> None:
        if self._process.stdout is None or not self._process.stdout.readline():
            raise OperatorEnded


def main() -> None:
    """Read lines with an id and a state; answer each with a line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    from agents import leases  # noqa: PLC0415 - models need Django to be set up

    print(READY, flush=True)
    for line in sys.stdin:
        agent_id, state = line.split()
        try:
            leases.set_state(agent_id=agent_id, state=state, actor="discovery")
            print(DONE, flush=True)
        except leases.UnknownAgent:
            print(UNKNOWN, flush=True)


if __name__ == "__main__":
    main()
