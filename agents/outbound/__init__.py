"""Calls to addresses that people or agents enter, guarded against server-side request forgery.

A name is resolved once, its addresses are checked, and the connection goes to one of them.
Redirects are not followed, proxies of the environment not used. Time and size are limited.
"""
