"""The web server: gunicorn, with a worker of our own.

gunicorn's master starts the processes, restarts them and stops them, and its parser reads the heads
of requests. What lies between a client's socket and Django is here. In one process there are

- the event loop, one thread, which alone reads from sockets, and waits for clients;
- a pool of threads, which call Django, and wait for nothing but the database.

So a client that is slow costs a connection and some memory, and never a thread.

Who touches which bytes, in order:

1. `worker` runs the event loop (`event_loop`). A connection is accepted, if there is room for it
   (`capacity`), and becomes a `Connection` (`connections`).
2. `clients` says what happens next on each connection. What has arrived is read (`incoming`), at
   most for REQUEST_SECONDS. `framing` finds where the request ends, from its framing alone; a body
   in chunks (`chunked`) gets a Content-Length instead. Only a whole request goes on.
3. `fast_path` shows it to `agents.heartbeats`, which takes what is an ordinary heartbeat in every
   byte. The connection is set aside; the answer is sent by the event loop after the commit.
4. Any other request is an `Exchange` (`exchanges`). A thread has gunicorn parse it, which refuses
   what is malformed, calls Django, and sends the answer, as far as the kernel takes it at once.
5. What the client has not taken (`outgoing`), the event loop sends when it can (`waiting`), at most
   for ANSWER_SECONDS. No thread waits for that. Of an answer in pieces, a thread makes the next one
   when the client has taken most of the last: memory is bounded by a piece, and for a client that
   does not read nothing is made.
6. An `EventStreamResponse` (`agents.event_streams`) leaves the thread with its head. From then on
   `watchers` sends what the stream's owner sends into it, from whatever thread.
7. After the answer the connection waits for another request, at most for KEEPALIVE_SECONDS, or it
   is closed, and so that the client gets the end of the answer.

Where an answer cannot be completed (its iterator fails, its client is too slow, it is shorter than
its Content-Length), the connection is reset, so that nobody takes it for a whole one.

On SIGTERM a process accepts nothing more. Event streams end, idle connections are closed after
LINGER_SECONDS, and what has begun is completed, within gunicorn's `graceful_timeout`.

`limits` has all numbers, `configuration` the settings of gunicorn, and `gunicorn_parts` everything
of gunicorn that this builds on. TLS ends before this server.
"""
