class SignInFailed(Exception):
    """The message is for the person who signs in, `reason` for the log."""

    status = 403

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class ProviderFailed(SignInFailed):
    status = 502
