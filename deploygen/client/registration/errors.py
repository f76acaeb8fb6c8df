class RegistryError(Exception):
    pass


class RegistryRefused(RegistryError):
    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RegistryUnavailable(RegistryError):
    """The registry is away, busy or broken, or something else answered.

    `retry_after`: seconds. `perhaps_done`: the call may have taken effect.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, perhaps_done: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.perhaps_done = perhaps_done


class EnvironmentUnusable(RegistryUnavailable):
    """A variable of the environment prevents all calls."""
