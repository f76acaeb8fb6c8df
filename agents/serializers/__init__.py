"""JSON that heartbeats, the API and the admin share."""
