"""Azure Storage: the outbox, the dead letters, and one `HEAD` of a blob."""
