"""The web server: gunicorn with a worker of its own."""
