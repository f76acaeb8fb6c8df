class OutboundError(Exception):
    """The message is for people."""


class NotAllowed(OutboundError):
    """Nothing was sent."""


class NoAnswer(OutboundError):
    """The call may have arrived."""
