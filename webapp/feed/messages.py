"""Reading what clients send, over the socket and over HTTP."""

from typing import Any

from webapp.labeling.operations import Submission
from webapp.people.models import User


class Refused(Exception):
    """A message cannot be taken; sent to the client as an `error`."""

    def __init__(self, code: str, message: str, ref: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.ref = code, message, ref


def whole(message: dict[str, Any], name: str, low: int, high: int) -> int:
    """A whole number of a message; raises Refused."""
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused("malformed", f"{name}: must be a whole number from {low} to {high}")
    return value


def assignment_of(message: dict[str, Any]) -> int:
    return whole(message, "assignment", 1, 2**62)


def text(message: dict[str, Any], name: str, most: int) -> str:
    """A text of a message; raises Refused."""
    value = message.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Refused("malformed", f"{name}: must be text of 1 to {most} characters")
    return value


def submission_of(message: dict[str, Any], person: User) -> Submission:
    """An `answer` message; raises Refused when what identifies it is missing."""
    return Submission(
        annotator=person, id=text(message, "id", 64), assignment=assignment_of(message), lease=text(message, "lease", 64),
        outcome=message.get("outcome"), value=message.get("value"), report=message.get("report"),
        telemetry=message.get("telemetry"),
    )  # fmt: skip
