"""HTTP/1.1 over raw sockets, for clients that use little CPU next to the server they measure."""
