from agents import event_streams

REQUEST_SECONDS = 10.0
ANSWER_SECONDS = 60.0  # to send an answer, or what is made of it
# A server that closes first may cut off the answer (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
SILENCE_SECONDS = event_streams.SILENCE_SECONDS
# Longer: clients that acknowledge but do not read are slow, not gone.
ACKNOWLEDGE_SECONDS = ANSWER_SECONDS + 10.0
CHECK_SECONDS = 0.25

MAX_UNREAD_BYTES = 64 * 1024 * 1024  # of incomplete requests
MAX_UNSENT_BYTES = 64 * 1024 * 1024  # of answers, and as much of event streams
# Where making an answer pauses, and goes on.
PAUSE_BYTES = 64 * 1024
RESUME_BYTES = 16 * 1024

# Share of a process's connections. If more wait, answers close theirs.
MAX_WAITING_SHARE = 0.75
MAX_STREAMS_SHARE = 0.5
MAX_STREAMS = 2_000  # an event to all takes 26 ms (`make event-streams`)
