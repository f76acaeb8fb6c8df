"""Messages about events, to channels that people set up.

The dispatcher applies rules to the feed, and writes messages together with its position in it.
Workers deliver them.
"""
