"""The body of a queue message: Base64, as the Functions host writes and reads it."""

import base64
import binascii


def encode_body(text: str) -> str:
    """Give what is put into the queue."""
    return base64.b64encode(text.encode()).decode("ascii")


def decode_body(content: str) -> bytes:
    """Give the bytes of a message; one that is no Base64 (put there by hand) is taken as it is."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content.encode()
