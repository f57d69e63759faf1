"""The path of each answer through one web process, as structured log lines: received, committed, acknowledged.

Lines carry `session` (the socket), `answer` (the id that the client chose) and `round` (the transaction), so that one
answer can be followed from its message to its commit, over several processes where it was sent twice. Written with
TESSERA_FEED_TRACE=1 only: at full speed they would cost more than the answers.
"""

import logging
import os
from collections.abc import Iterable

log = logging.getLogger(__name__)
log.setLevel(logging.DEBUG if os.environ.get("TESSERA_FEED_TRACE") == "1" else logging.WARNING)


def received(session: str, answer: str, assignment: int) -> None:
    if log.isEnabledFor(logging.DEBUG):
        extra = {"session": session, "answer": answer, "assignment": assignment}
        log.debug("answer received", extra=extra)


def committed(round_id: str, answers: Iterable[str], offers: Iterable[int], seconds: float) -> None:
    if log.isEnabledFor(logging.DEBUG):
        extra = {
            "round": round_id, "answers": list(answers), "offers": list(offers), "ms": round(1000 * seconds, 1),
        }  # fmt: skip
        log.debug("round committed", extra=extra)


def acknowledged(round_id: str, session: str, answer: str, status: str) -> None:
    if log.isEnabledFor(logging.DEBUG):
        extra = {"round": round_id, "session": session, "answer": answer, "status": status}
        log.debug("answer acknowledged", extra=extra)


def failed(round_id: str, answers: Iterable[str], attempt: int, error: Exception) -> None:
    """A round that did nothing and whose answers will be tried again; always logged."""
    waiting = list(answers)
    log.warning(
        "round failed (%d in a row), %d answers are tried again: %s", attempt, len(waiting), error,
        extra={"round": round_id, "answers": waiting},
    )  # fmt: skip
