"""What the timer starts: draining the outbox, and emptying the platform's poison queues into it."""
