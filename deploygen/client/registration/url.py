import httpx


def check_url(url: str) -> None:
    """Raises ValueError, without the URL, which may contain a password."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("the registry's URL is not a URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.port == 0:
        raise ValueError(
            "the registry's URL must be http:// or https:// with a host, and perhaps a port"
        )
    if parsed.userinfo:
        raise ValueError("the registry's URL must not hold a user or a password")
    if "?" in url or "#" in url:
        raise ValueError("the registry's URL must have no query and no fragment")
    if url != url.strip():
        raise ValueError("the registry's URL must not begin or end with blanks")
