import os
from dataclasses import dataclass
from functools import cache

from celery import current_app

from agents.admin.dashboard.background_check import BackgroundCheck

TIMEOUT_SECONDS = 2.0
KEPT_SECONDS = 5.0
PATIENCE_SECONDS = 0.5
REASONS: dict[type[BaseException], str] = {
    PermissionError: "its folder is missing or not accessible",
    ConnectionRefusedError: "connection refused",
    TimeoutError: "no response in time",
}


@dataclass(frozen=True)
class BrokerReport:
    """`reason`: why it does not respond, without secrets."""

    transport: str
    responds: bool
    reason: str = ""


def report_broker() -> BrokerReport:
    no_response = BrokerReport(_transport(), responds=False, reason="no response in time")
    return _check_in_background().get() or no_response


@cache
def _check_in_background() -> BackgroundCheck[BrokerReport]:
    # Imports the broker's client, which takes longer than the check.
    current_app.connection_for_write().get_transport_cls()
    return BackgroundCheck(_check, seconds=KEPT_SECONDS, patience=PATIENCE_SECONDS)


def _transport() -> str:
    return str(current_app.conf.broker_url).partition(":")[0]


def _check() -> BrokerReport:
    transport = _transport()
    try:
        if transport == "filesystem":
            _check_folders()
        else:
            _connect()
    except Exception as error:  # may contain a password
        return BrokerReport(transport, responds=False, reason=_reason(error))
    return BrokerReport(transport, responds=True)


def _connect() -> None:
    # `establish_connection` does not retry; with Redis it sends a PING.
    limits = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
    with current_app.connection_for_write(
        connect_timeout=TIMEOUT_SECONDS, transport_options=limits
    ) as connection:
        transport = connection.transport
        transport.close_connection(transport.establish_connection())


def _check_folders() -> None:
    # Connecting would not touch them.
    for name in ("data_folder_in", "data_folder_out"):
        folder = current_app.conf.broker_transport_options[name]
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(folder)


def _reason(error: BaseException) -> str:
    found: BaseException | None = error
    while found is not None:
        for kind, words in REASONS.items():
            # Client libraries have their own TimeoutError.
            if isinstance(found, kind) or type(found).__name__ == kind.__name__:
                return words
        found = found.__cause__ or found.__context__
    return type(error).__name__
