"""What the fast paths share: they answer ordinary requests in the event loop, without Django."""
