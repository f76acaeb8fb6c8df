"""Every error that a caller of the API gets, as Problem Details (RFC 9457)."""
