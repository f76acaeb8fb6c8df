import os
import sys
from pathlib import Path

from . import openapi_models  # noqa: F401 - before anything imports FastAPI
from .captured import capture_failures, capture_output
from .config import ConfigError, read_config
from .http.app import create_app
from .logs import set_up_logs
from .process.lifecycle import Lifecycle


def main(folder: Path) -> int:
    errors = sys.stderr
    try:
        config = read_config(folder, os.environ)
        identity = {"agent_id": config.agent_id, **config.build}
        is_json = set_up_logs(identity, os.environ, sys.stdout.isatty())
        capture_failures()
        if is_json:
            capture_output()
        agent = Lifecycle(config)
        return agent.run(create_app(agent))
    except ConfigError as error:
        print(f"The agent cannot start: {error}", file=errors)
        return 1
