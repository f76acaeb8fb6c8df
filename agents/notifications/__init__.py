"""Messages about events, to channels.

The dispatcher applies rules to the feed, and writes messages together with its position. Workers
deliver them.
"""
