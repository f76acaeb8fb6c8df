"""``python -m agent_runtime.healthcheck`` exits with 0 if the agent is alive.

It need not be ready: a restart would not help.
"""

import http.client
import json
import os
import sys
from pathlib import Path

from .port import port_variable

TIMEOUT_SECONDS = 3


def main(folder: Path) -> int:
    try:
        port = os.environ.get("AGENT_PORT") or _configured_port(folder)
        address = os.environ.get("AGENT_LISTEN") or "127.0.0.1"
        connection = http.client.HTTPConnection(address, int(port), timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, ValueError, KeyError, OverflowError, http.client.HTTPException) as error:
        print(f"unhealthy: {error}")
        return 1
    print(f"/health/live answered {status}")
    return 0 if status == http.client.OK else 1


def _configured_port(folder: Path) -> int | str:
    port: int = json.loads((folder / "agent.json").read_text(encoding="utf-8"))["port"]
    return os.environ.get(port_variable(port, os.environ)) or port


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
