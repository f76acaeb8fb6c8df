"""Heartbeats at a given rate, whether the server keeps up or not."""
