"""The web server: gunicorn, with a worker of our own.

gunicorn's master starts, restarts and stops the processes, and its parser reads the heads of
requests. The rest between a client's socket and Django is here. In each process, one event loop
reads from all clients and waits for them; a pool of threads calls Django and waits for the
database. So a slow client costs a connection and some memory, but never a thread.

Who handles the bytes of a request and its answer, in order:

1. `worker` runs the event loop, and accepts connections while `capacity` has room for them: as many
   as `places` finds in the `memory`.
2. `clients` decides what happens next on each connection. It reads (`incoming`) until `framing`
   finds the end of the request. A chunked body (`chunked`) gets a Content-Length. Only complete
   requests go on.
3. `fast_path` takes ordinary heartbeats, without framing what arrives whole. Their connections are
   set aside until the event loop sends the answers, after the commit. While a commit waits for
   more heartbeats, the event loop leaves such connections unread, and accepts no others.
4. Any other request is an `Exchange`: a thread lets gunicorn parse it, calls Django, and sends as
   much of the answer as the kernel takes.
5. The event loop sends the rest. If the answer is made in pieces, a thread makes the next one when
   most of the last is sent. So an answer takes the memory of one piece.
6. An `EventStreamResponse` leaves its thread after its head. `watchers` sends the events.
7. The connection waits for another request, or closes so that the end of the answer still arrives.

What never reaches Django, or has no room, is refused here (`refusals`).

If an answer cannot be completed, its connection is reset: the client must not think it complete.

On SIGTERM, a process accepts no more connections, ends event streams, closes idle connections, and
completes what has begun, within four fifths of gunicorn's `graceful_timeout`. TLS ends in front of
this server.
"""
