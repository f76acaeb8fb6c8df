"""The agent's server: ``python server.py`` serves what agent_api.py has."""

import gc
import os
import signal

if __name__ == "__main__":
    # Nothing of what is imported is garbage; not looking for it saves a fifth of the time.
    gc.disable()
    # As the first process of a container, Python ignores SIGTERM until somebody handles it; the
    # imports below take a while, and nothing has to be put in order yet.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import sys
from pathlib import Path

from agent_api import create_app
from agent_config import ConfigError, read_config
from agent_logs import set_up_logs
from lifecycle import Lifecycle


def main() -> int:
    """Serve until a signal says stop. Returns the exit code of the process."""
    try:
        config = read_config(Path(__file__).parent, os.environ)
        set_up_logs(config.agent_id, os.environ, sys.stdout.isatty())
        agent = Lifecycle(config)
        return agent.run(create_app(agent))
    except ConfigError as error:
        print(f"The agent cannot start: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
