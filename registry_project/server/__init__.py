"""The web server: gunicorn's master, with a worker of our own.

In each process, one event loop reads from all clients, and a pool of threads calls Django. So a
slow client costs some memory, but never a thread. A request passes through these modules:

1. `worker` runs the event loop, and accepts connections while `capacity` has room.
2. `clients` decides what happens on each connection. `incoming` collects bytes until `framing`
   finds the end of the request; a `chunked` body gets a Content-Length.
3. `fast_path` takes ordinary heartbeats and registrations.
4. Any other request is an `Exchange`: a thread calls gunicorn's parser and Django. A streamed
   answer is made piece by piece, as it is sent. One that cannot be completed ends with a reset.
5. `watchers` sends the events of an `EventStreamResponse`, which leaves its thread.

On SIGTERM, a process completes what has begun. TLS ends in front of this server.
"""
