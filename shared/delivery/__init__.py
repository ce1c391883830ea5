"""Policies of delivery: permits, holds, caps, retries. They know nothing of the trigger module."""
