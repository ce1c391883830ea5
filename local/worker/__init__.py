"""The worker process of the stand-in: it imports nothing but the standard library and Microsoft's runtime."""
