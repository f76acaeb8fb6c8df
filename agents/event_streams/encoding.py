import re

COMMENT = b":\n\n"
LINE_END = re.compile(r"\r\n|\r|\n")


def encode_event(data: str, *, name: str = "", event_id: str = "") -> bytes:
    """Raise ValueError for line ends or NUL in name or id."""
    for value in (name, event_id):
        if LINE_END.search(value) or "\0" in value:
            raise ValueError(f"an event cannot have the name or id {value!r}")
    lines = [f"event: {name}\n"] if name else []
    lines += [f"id: {event_id}\n"] if event_id else []
    lines += [f"data: {line}\n" for line in LINE_END.split(data)]
    return "".join([*lines, "\n"]).encode()
