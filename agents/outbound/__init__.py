"""Calls to addresses that people or agents enter, guarded against server-side request forgery.

A name is resolved once, its addresses are checked, and the connection goes to one of them. A
redirect is an answer like others. Proxies in the environment are not used. Time and size have
limits.
"""
