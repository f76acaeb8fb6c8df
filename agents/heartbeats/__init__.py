"""Heartbeats: who may renew, and the fast path that answers most of them in front of Django.

Nearly all of the traffic is heartbeats, and a call through Django costs many times what renewing a
lease does. The web server offers each request to the fast path first. It takes ordinary heartbeats
and leaves the rest to Django, whose DRF action follows the same rules. Many heartbeats share one
commit, and none is acknowledged before it is committed.
"""
