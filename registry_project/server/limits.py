"""How long the web server waits for a client, and how much it keeps for one.

Configuration has one more: the seconds for which an idle connection stays open.
"""

# --- Seconds --------------------------------------------------------------------------------

# From the first byte of a request to its last.
REQUEST_SECONDS = 10.0
# For a client to take an answer; of one that is made in pieces, what has been made so far.
ANSWER_SECONDS = 60.0
# For a client to close after the last answer; until then, what it sends is thrown away. Closed at
# once, the connection could take the end of the answer with it (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
# Between two pieces of an event stream. A comment is sent when there is no event: it keeps proxies
# from closing the connection, and finds clients that vanished without a word.
SILENCE_SECONDS = 15.0
# Between two looks at what has been waited for too long.
LOOK_SECONDS = 0.25

# --- Bytes ----------------------------------------------------------------------------------

# What has arrived of all requests that are not complete; beyond it, the oldest is dropped.
MAX_UNREAD_BYTES = 64 * 1024 * 1024
# A request that has so little is not worth counting.
FEW_UNREAD_BYTES = 16 * 1024
# What clients have not taken yet of all answers; beyond it, the oldest is dropped.
MAX_UNSENT_BYTES = 64 * 1024 * 1024
# The next piece of an answer is not made while the client has not taken more than so much.
PAUSE_BYTES = 64 * 1024
# It is made when no more than so much is left.
RESUME_BYTES = 16 * 1024
# What a client may leave of its event stream before it is disconnected.
MAX_UNSENT_EVENTS = 128 * 1024

# --- Shares of the connections that a process may have -----------------------------------------

# While fewer wait for their client, an answer leaves its connection open for another request.
KEPT = 0.75
# As many may be event streams.
STREAMS = 0.5
