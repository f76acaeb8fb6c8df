"""Docker's HEALTHCHECK: exits 0 when the agent on this machine answers, 1 otherwise.

It asks whether the process lives, not whether it wants work: what reads this may restart the
container, and a restart does not mend what makes a living agent unready.
"""

import http.client
import json
import os
import sys
from pathlib import Path

TIMEOUT_SECONDS = 3


def main() -> int:
    try:
        port = (
            os.environ.get("AGENT_PORT")
            or json.loads(Path(__file__).with_name("agent.json").read_text(encoding="utf-8"))[
                "port"
            ]
        )
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, ValueError, KeyError, OverflowError, http.client.HTTPException) as error:
        print(f"unhealthy: {error}")
        return 1
    print(f"/health/live answered {status}")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
