"""``make storm``: a registry has lost its records, and the whole fleet comes back at once."""
