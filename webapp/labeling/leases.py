"""Lease tokens: proof that this person once held this assignment, checked without a look-up.

A token is `<epoch>.<mac>`; the epoch counts the holds of an assignment, so an answer that comes after the lease passed
on is recognised as late, and a forged or foreign token is refused.
"""

import hmac

from django.conf import settings


def token(assignment: int, annotator: int, epoch: int) -> str:
    message = f"lease:{assignment}:{annotator}:{epoch}".encode()
    return f"{epoch}.{hmac.digest(settings.SECRET_KEY.encode(), message, 'sha256').hex()[:24]}"


def epoch_of(lease: str, assignment: int, annotator: int) -> int | None:
    """The epoch of a token that was really given to this annotator for this assignment; None otherwise."""
    head, _, _ = lease.partition(".")
    if not head.isascii() or not head.isdigit() or len(head) > 9:
        return None
    epoch = int(head)
    return (
        epoch if hmac.compare_digest(lease.encode(), token(assignment, annotator, epoch).encode()) else None
    )
