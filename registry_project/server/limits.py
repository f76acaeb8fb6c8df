"""How long the web server waits for clients, and how much it keeps for them."""

from agents import event_streams

REQUEST_SECONDS = 10.0  # from the first byte to the last
ANSWER_SECONDS = 60.0  # to receive an answer, or what is made of it so far
# For the client to close first: otherwise it may lose the end of the answer (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
# After which an event stream sends a comment.
SILENCE_SECONDS = event_streams.SILENCE_SECONDS
# Above ANSWER_SECONDS: a client that is there but does not read is slow, not gone.
ACKNOWLEDGE_SECONDS = ANSWER_SECONDS + 10.0
CHECK_SECONDS = 0.25  # between two checks of deadlines

MAX_UNREAD_BYTES = 64 * 1024 * 1024  # of all incomplete requests
MAX_UNSENT_BYTES = 64 * 1024 * 1024  # of all answers, and of all event streams
# Making an answer pauses above the first, and goes on at the second.
PAUSE_BYTES = 64 * 1024
RESUME_BYTES = 16 * 1024

# Of a process' connections. When more of them wait, answers close theirs.
MAX_WAITING_SHARE = 0.75
MAX_STREAMS_SHARE = 0.5
MAX_STREAMS = 2_000  # an event to all of them takes 26 ms (`make event-streams`)
