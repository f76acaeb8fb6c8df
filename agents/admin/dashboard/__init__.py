"""The dashboard, which is the front page of the admin."""
