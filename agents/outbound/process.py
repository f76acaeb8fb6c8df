"""Guards a whole process, for packages that open their own connections.

By an audit hook (PEP 578), which sees each connection and cannot be removed.
"""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from agents.outbound.networks import Networks

CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
STARTS = frozenset(
    {
        "ctypes.dlopen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)


def guard_process(networks: Networks, readable: Sequence[str]) -> list[str]:
    """From now on, allow connections to `networks` only, and neither programs nor files.

    Files below the `readable` folders may be read. Violations raise PermissionError. Return a list
    to which their texts are added, since packages drop them.
    """
    refusals: list[str] = []
    folders = tuple(os.path.join(os.path.realpath(one), "") for one in readable)  # noqa: PTH118

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        try:
            check(event, arguments)
        except PermissionError as error:
            refusals.append(str(error))
            raise

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CONNECTS:
            _check_connection(networks, *arguments)
        elif event in STARTS:
            raise PermissionError(f"{event} is not allowed")
        elif event == "open":
            _check_file(folders, *arguments)

    sys.addaudithook(hook)
    return refusals


def _check_connection(networks: Networks, connection: Any, address: Any) -> None:
    if address is None:
        return  # of a message on a connection
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        raise PermissionError("only connections to networks are allowed")
    host = address[0]
    # A name would be resolved unseen.
    if not isinstance(host, str) or not networks.allows(host):
        raise PermissionError(f"{host} is not in the allowed networks ({networks})")


def _check_file(folders: Sequence[str], path: Any, _mode: Any, flags: int) -> None:
    if isinstance(path, int):
        return  # is open already
    writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    real = os.path.realpath(os.fsdecode(path))
    if writes or not real.startswith(tuple(folders)):
        raise PermissionError(f"{path} must not be opened")
