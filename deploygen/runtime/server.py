"""Configures and serves the agent."""

import os
import sys
from pathlib import Path

from .config import ConfigError, read_config
from .http.app import create_app
from .logs import set_up_logs
from .process.lifecycle import Lifecycle


def main(folder: Path) -> int:
    """Serve until a signal; return the exit code."""
    try:
        config = read_config(folder, os.environ)
        identity = {"agent_id": config.agent_id, **config.build}
        set_up_logs(identity, os.environ, sys.stdout.isatty())
        agent = Lifecycle(config)
        return agent.run(create_app(agent))
    except ConfigError as error:
        print(f"The agent cannot start: {error}", file=sys.stderr)
        return 1
