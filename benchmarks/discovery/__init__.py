"""``make discovery``: what watchers of a changing fleet are sent, against its history."""
