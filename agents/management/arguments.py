"""Types of the commands' arguments."""

from argparse import ArgumentTypeError


def positive_number(text: str) -> int:
    """Read a whole number from 1 on. Raise ValueError or ArgumentTypeError."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is not positive")
    return number
