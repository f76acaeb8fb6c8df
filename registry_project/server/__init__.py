"""The web server: gunicorn, with a worker of our own.

gunicorn's master starts, restarts and stops the processes, and its parser reads the heads of
requests. What lies between a client's socket and Django is in this package. A process has

- an event loop: one thread, the only one that reads from sockets and waits for clients;
- a pool of threads, which call Django and wait for the database only.

So a slow client costs a connection and some memory, but never a thread.

Who touches which bytes, in order:

1. `worker` runs the event loop (`event_loop`). It accepts a connection if there is room for it
   (`capacity`), which becomes a `Connection` (`connections`).
2. `clients` decides what happens next on each connection. It reads what has arrived (`incoming`),
   for at most REQUEST_SECONDS. `framing` finds where the request ends. A body in chunks (`chunked`)
   is joined and gets a Content-Length. Only a complete request goes on.
3. `fast_path` offers it to `agents.heartbeats`, which takes what is an ordinary heartbeat in every
   byte. The connection is set aside until the event loop sends the answer, after the commit.
4. Any other request becomes an `Exchange` (`exchanges`). A thread lets gunicorn parse it, which
   refuses what is malformed, calls Django, and sends as much of the answer as the kernel takes.
5. The event loop sends the rest (`outgoing`) as the client receives it (`waiting`), for at most
   ANSWER_SECONDS. If the answer is made in pieces, a thread makes the next one when most of the
   last has been sent. So an answer takes the memory of a piece, and for a client that does not read
   no more pieces are made.
6. An `EventStreamResponse` (`agents.event_streams`) leaves the thread as soon as its head is sent.
   From then on, `watchers` sends what the owner of the stream sends into it, from any thread.
7. After the answer, the connection waits for another request, for at most KEEPALIVE_SECONDS, or it
   is closed, in such a way that the client gets the end of the answer.

If an answer cannot be completed (its iterator fails, its client is too slow, it is shorter than its
Content-Length), the connection is reset, so that the client does not take it for a complete one.

On SIGTERM, a process accepts no more connections. Event streams end, idle connections are closed
after LINGER_SECONDS, and what has begun is completed, within gunicorn's `graceful_timeout`.

`limits` has all numbers, `configuration` has gunicorn's settings, and `gunicorn_parts` has all of
gunicorn that this package uses. TLS ends in front of this server.
"""
