"""The body of a queue message: Base64, as the Functions host writes it."""

import base64
import binascii


def decode_body(content: str) -> bytes:
    """Return the bytes of a message; one that is not Base64 (put there by hand) is taken as it is."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content.encode()
