"""Heartbeats: who may renew, and the fast path that answers most of them in front of Django.

The web server offers each request to the fast path, which takes ordinary heartbeats and leaves the
rest to Django's action. Many heartbeats share a commit; none is acknowledged before it.
"""
