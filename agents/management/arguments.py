from argparse import ArgumentTypeError


def positive_number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is not positive")
    return number
