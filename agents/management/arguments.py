"""Argument types of the commands."""

from argparse import ArgumentTypeError


def positive_number(text: str) -> int:
    """Parse an integer of at least 1. Raise ValueError or ArgumentTypeError."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is not positive")
    return number
