"""Identity: UUIDv7 for events, a hash of model and id for predictions, and the sampling hash."""

from __future__ import annotations

from hashlib import blake2b, sha256
from os import urandom
from typing import Any

__all__ = ["kept", "new_id", "prediction_key", "prediction_keys"]


def new_id(ms: int) -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7): 36 characters, hyphens included.

    Args:
        ms: its time, in milliseconds since 1970 UTC.
    """
    random = int.from_bytes(urandom(10), "big")
    bits = (ms & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0x2 << 62
    text = f"{bits | random & 0x3FFFFFFFFFFFFFFF:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def prediction_keys(model: str) -> Any:  # noqa: ANN401 - hashlib does not export its type
    """Return a hash begun with a model's name: copy it, update it with the id, take the digest.

    A NUL byte, which no name contains, separates the name from the id.
    """
    return blake2b(model.encode("utf-8", "surrogatepass") + b"\0", digest_size=16)


def prediction_key(model: str, prediction_id: str) -> str:
    """Return the ``event.id`` of a prediction, which is the same for a repeat or a resend.

    Args:
        model: the model's name.
        prediction_id: the prediction's id.

    Returns:
        BLAKE2b-128 as 32 hexadecimal digits.
    """
    digest = prediction_keys(model)
    digest.update(prediction_id.encode("utf-8", "surrogatepass"))
    return str(digest.hexdigest())


def kept(prediction_id: str, rate: float) -> bool:
    """Say whether sampling keeps a prediction: the same answer in every process, and in SQL.

    The first 32 bits of SHA-256 of the id, as a number, are below rate · 2³².

    Args:
        prediction_id: the prediction's id.
        rate: share to keep, 0 to 1.
    """
    digest = sha256(prediction_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") < rate * 4294967296.0
