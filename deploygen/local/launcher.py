"""Runs an agent until run_agent is gone."""

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
    # As with `python -m`.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib takes time
    importlib.import_module("agent_runtime.server")
    # Python would not notice a second edit within a second.
    sys.dont_write_bytecode = True
    runpy.run_module("agent_runtime", run_name="__main__", alter_sys=True)


def _follow(pipe: int) -> None:
    os.read(pipe, 1)  # returns when run_agent ends, even by SIGKILL
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
