"""How long the web server waits for clients, and how much it keeps for them.

How long an idle connection stays open is set by KEEPALIVE_SECONDS.
"""

from agents import event_streams

# --- Seconds --------------------------------------------------------------------------------

# From the first byte of a request to its last.
REQUEST_SECONDS = 10.0
# For a client to receive an answer; if it is made in pieces, what has been made so far.
ANSWER_SECONDS = 60.0
# For a client to close its connection after the last answer. What it sends until then is discarded:
# closing at once could destroy the end of the answer (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
# Without an event, after which an event stream sends a comment.
SILENCE_SECONDS = event_streams.SILENCE_SECONDS
# For the client of an event stream to acknowledge what the kernel has sent. It is more than
# ANSWER_SECONDS, so that a client that is there but does not read counts as slow.
ACKNOWLEDGE_SECONDS = ANSWER_SECONDS + 10.0
# Between two checks of deadlines.
CHECK_SECONDS = 0.25

# --- Bytes ----------------------------------------------------------------------------------

# Of all incomplete requests together; beyond it, the oldest is dropped.
MAX_UNREAD_BYTES = 64 * 1024 * 1024
# An incomplete request smaller than this is not worth counting.
FEW_UNREAD_BYTES = 16 * 1024
# Of all answers and event streams that clients have not received yet; beyond it, the oldest is
# dropped.
MAX_UNSENT_BYTES = 64 * 1024 * 1024
# The next piece of an answer is not made while the client still has more than this to receive...
PAUSE_BYTES = 64 * 1024
# ... and is made when it has no more than this.
RESUME_BYTES = 16 * 1024

# --- Shares of the connections that a process may have -------------------------------------------

# Above this share of waiting connections, an answer closes its connection.
MAX_WAITING_SHARE = 0.75
# At most this share may be event streams.
MAX_STREAMS_SHARE = 0.5
