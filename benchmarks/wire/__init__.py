"""HTTP/1.1 over raw sockets, for clients that must cost little beside the server they measure."""
