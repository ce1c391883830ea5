"""The ways in which an event arrives, one file each."""
