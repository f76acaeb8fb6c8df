"""Building images with Docker's own command."""
