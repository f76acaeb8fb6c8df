"""The fast door: heartbeats are answered in front of Django, many of them by one commit.

Heartbeats are nearly all of the traffic, and a call through Django costs many times what the lease
costs. The web server shows each request to the door first. What is an ordinary heartbeat it takes;
all else it leaves to Django, whose DRF action has the same rules. Nothing is acknowledged before
it is committed.
"""
