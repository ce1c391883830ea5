"""What happens to a run that cannot be delivered at once: parked, dispatched again, or a dead letter."""
