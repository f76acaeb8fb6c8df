JSON = "application/json"


def prefers(accept: str, wanted: str) -> bool:
    """Whether `accept` (RFC 9110, 12.5.1) ranks `wanted` at least as high as JSON."""
    ranks = dict(map(_rank, accept.lower().split(",")))
    rank = ranks.get(wanted, 0.0)
    return rank > 0 and rank >= ranks.get(JSON, 0.0)


def _rank(entry: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip() for part in entry.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
