"""The web server: gunicorn, whose master starts and stops processes, with a worker of our own.

In each process, one event loop reads from all clients and waits for them, and a pool of threads
calls Django. So a slow client costs a connection and some memory, but never a thread.

The way of a request:

1. `worker` runs the event loop, and accepts connections while `capacity` has room.
2. `clients` decides what happens on each connection. `incoming` collects bytes until `framing` has
   the end of the request; a `chunked` body gets a Content-Length.
3. `fast_path` takes ordinary heartbeats and registrations. While a commit waits for more, the event
   loop leaves connections unread.
4. Any other request is an `Exchange`: a thread calls gunicorn's parser and Django, and sends what
   the kernel takes; the event loop sends the rest. Of an answer in pieces, each is made when most
   of the last is sent. An answer that cannot be completed ends with a reset.
5. `watchers` sends the events of an `EventStreamResponse`, which leaves its thread.

On SIGTERM, a process completes what has begun, within four fifths of gunicorn's `graceful_timeout`.
TLS ends in front of this server.
"""
