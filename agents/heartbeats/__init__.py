"""Heartbeats: who may renew a lease, and the fast path in front of Django."""
