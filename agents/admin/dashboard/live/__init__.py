"""Tells open pages that something has changed, by server-sent events or to those that poll.

Pages then fetch what they show. One thread of a process looks for all of its open pages.
"""
