"""Why a call to the registry failed."""


class RegistryError(Exception):
    """The message says why."""


class RegistryRefused(RegistryError):
    """The registry itself refused the call, with this HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RegistryUnavailable(RegistryError):
    """It is away, busy or broken, or a proxy responds in its place.

    `retry_after`: seconds. `perhaps_done`: the call may be carried out all the same.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, perhaps_done: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.perhaps_done = perhaps_done


class EnvironmentUnusable(RegistryUnavailable):
    """A variable of the environment prevents all calls."""
