"""All errors of the API, as Problem Details (RFC 9457)."""
