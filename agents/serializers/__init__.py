"""The JSON that the API takes and gives: the parts that heartbeats, the API and the admin share."""
