"""Whether the broker, by which the worker gets its work, answers."""

import os
from dataclasses import dataclass

from celery import current_app

from agents.admin.dashboard.background_check import Watch

# Seconds for the broker to answer, and for which that is told.
TIMEOUT = 2.0
KEPT_SECONDS = 5.0
# Seconds for which a page waits for it.
PATIENCE = 0.5
REASONS: dict[type[BaseException], str] = {
    PermissionError: "its folder is not there, or closed to the registry",
    ConnectionRefusedError: "it refuses the connection",
    TimeoutError: "no answer in time",
}


@dataclass(frozen=True)
class BrokerReport:
    """`transport`: what it is, "redis" say. `reason`: why it does not answer; without secrets."""

    transport: str
    answers: bool
    reason: str = ""


def report_broker() -> BrokerReport:
    """Return whether the broker answers; within half a second, also when it does not."""
    return BROKER.get() or BrokerReport(_transport(), answers=False, reason="no answer in time")


def _transport() -> str:
    return str(current_app.conf.broker_url).partition(":")[0]


def _ask() -> BrokerReport:
    transport = _transport()
    try:
        if transport == "filesystem":
            _look_at_folders()
        else:
            _connect()
    except Exception as error:  # whatever a transport raises; its text may hold the URL
        return BrokerReport(transport, answers=False, reason=_reason(error))
    return BrokerReport(transport, answers=True)


def _connect() -> None:
    """Connect anew, once: what is asked of a Redis then is PING."""
    limits = {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT}
    with current_app.connection_for_write(
        connect_timeout=TIMEOUT, transport_options=limits
    ) as connection:
        transport = connection.transport
        transport.close_connection(transport.establish_connection())


def _look_at_folders() -> None:
    # To connect to folders does not look at them.
    for name in ("data_folder_in", "data_folder_out"):
        folder = current_app.conf.broker_transport_options[name]
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(folder)


def _reason(error: BaseException) -> str:
    """Say what is behind an error, in our own words."""
    found: BaseException | None = error
    while found is not None:
        for kind, words in REASONS.items():
            # Clients have timeouts of their own, which are none of Python's.
            if isinstance(found, kind) or type(found).__name__ == kind.__name__:
                return words
        found = found.__cause__ or found.__context__
    return type(error).__name__


BROKER = Watch(_ask, seconds=KEPT_SECONDS, patience=PATIENCE)
