"""One search over agents, those that are gone, hosts, skills, tags, tokens, pages and operations.

Each part reads few rows and stops after some milliseconds, however large the fleet is. The text
comes by POST: somebody may paste a token, which must stand in no URL.
"""
