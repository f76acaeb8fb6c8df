"""Runs in the agent's process: starts the agent, and stops it when run_agent is gone.

A program by itself, for the Python of the agent's environment.
"""

import importlib
import os
import runpy
import signal
import sys
import threading


def main() -> None:
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    threading.Thread(target=_follow, args=[pipe], name="run-agent", daemon=True).start()
    # As with `python -m`, and as in the image: the folder of the agent's code comes first.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib takes time
    importlib.import_module("agent_runtime.server")
    # Not for the author's code: Python would not notice a second edit within a second.
    sys.dont_write_bytecode = True
    runpy.run_module("agent_runtime", run_name="__main__", alter_sys=True)


def _follow(pipe: int) -> None:
    os.read(pipe, 1)  # returns when the other end is closed, even by a SIGKILL
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
