"""What the code says to people in sentences: each is known by a code, travels with it, and is said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.utils.translation import override

from routing.assignment import SPARED, Waiting, choose
from routing.policy import RoutingPolicy
from routing.redundancy import _REASONS
from routing.skill import SPAM_TYPES
from routing.standing import judge
from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord
from webapp.people.models import User
from webapp.people.phrases import NUMBERS, PHRASES, because, read
from webapp.people.wording import reason_said

ROOT = Path(__file__).resolve().parents[2]
# Where sentences stand in calls: the place of the argument.
SAID_BY = {"Escalate": 0, "Ask": 2, "AskMore": 1, "Refer": 0, "Reason": 1, "Standing": 1}
PLACE = re.compile(r"\{(\w+)\}")


def filled(template: str) -> str:
    return PLACE.sub(lambda m: "12" if m[1] in NUMBERS else "north · oak", template)


def sentences(tree: ast.AST) -> Iterator[str]:
    """The sentences in calls that decide something or wish for it; what is filled in is a 7, or how a spammer works."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        found = [k.value for k in node.keywords if k.arg == "reason"]
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in SAID_BY and len(node.args) > SAID_BY[name]:
            found.append(node.args[SAID_BY[name]])
        for value in found:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value
            if isinstance(value, ast.JoinedStr) and "tried" not in ast.unparse(value):
                yield "".join(_part(part) for part in value.values)


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return SPAM_TYPES[0].say if ".say" in ast.unparse(part) else "7"


class TestPhrases:
    @pytest.mark.parametrize("code", list(PHRASES))
    def test_are_known_again_by_their_text(self, code: str) -> None:
        phrase = read(filled(PHRASES[code]))

        assert phrase.code == code
        assert phrase.about == {
            name: 12 if name in NUMBERS else "north · oak" for name in PLACE.findall(PHRASES[code])
        }

    def test_are_in_the_catalogues_of_the_workbench(self) -> None:
        catalogue = (ROOT / "webapp/frontend/src/messages/en.ts").read_text("utf-8")

        assert set(re.findall(r'"said\.(\w+)"', catalogue)) == set(PHRASES)

    def test_hold_every_sentence_that_a_decision_says(self) -> None:
        sources = [*(ROOT / "routing").glob("*.py"), *(ROOT / "webapp" / "labeling").glob("*.py")]
        said = {text for path in sources for text in sentences(ast.parse(path.read_text("utf-8")))}

        assert len(said) > 30
        assert sorted(text for text in said if not read(text).code) == []

    def test_hold_what_is_said_by_name(self) -> None:
        said = [SPARED, *_REASONS.values()]
        said += ["unsettled: two fixes", "unsettled: a specialist is cheaper than more questions"]
        said += [f"Over the last 31 checked answers this account {spam.say}." for spam in SPAM_TYPES]
        said += [f"Over 24 checked answers this account {spam.say}." for spam in SPAM_TYPES]

        assert [text for text in said if not read(text).code] == []

    def test_hold_why_there_is_nothing_to_do(self) -> None:
        record = TrackRecord.new("crowd", ["aerial"])
        person = Waiting(1, "crowd", frozenset(["aerial"]), frozenset(["en"]), record, want=1)
        rng = np.random.default_rng(0)

        (idle,) = choose([person], [], RoutingPolicy(), now=datetime(2026, 1, 1, tzinfo=UTC), rng=rng)

        assert [read(text).code for text in idle.reasons] == ["nothing_open"]  # type: ignore[union-attr]

    def test_hold_why_somebody_was_too_fast(self) -> None:
        """40 looks of e^-3 s each."""
        counts = {"t|verify_box": (40.0, -120.0, 360.0)}

        standing = judge(lambda key: counts.get(key, (0.0,) * 9), RoutingPolicy())

        phrase = read(standing.reason)
        assert standing.state == "paused"
        assert (phrase.code, phrase.about) == ("too_fast", {"n": 40, "kind": "verify_box", "seconds": 0.0})

    def test_leave_alone_what_a_person_wrote(self) -> None:
        text = "Back on Monday {n}."

        assert because([text]) == [{"code": "", "about": {}, "message": text}]
        with override("de"):
            assert reason_said(text) == text


class TestPages:
    @pytest.fixture(autouse=True)
    def own_language(self) -> Iterator[None]:
        """A page leaves its language to the thread."""
        with override("en"):
            yield

    def test_say_why_work_is_paused_in_the_readers_language(self, client: Client, ada: User) -> None:
        reason = f"Over 24 checked answers this account {SPAM_TYPES[0].say}."
        AnnotatorRecord.objects.create(annotator=ada, standing="paused", standing_reason=reason)
        client.force_login(ada)

        german = client.get("/me/", headers={"accept-language": "de"}).content.decode()
        arabic = client.get("/me/", headers={"accept-language": "ar"}).content.decode()

        assert "In 24 geprüften Antworten sagt dieses Konto zu fast allem Ja." in german
        assert "في 24 من الإجابات" in arabic
        assert reason not in german + arabic

    def test_name_kinds_and_tiers_in_reasons(self) -> None:
        with override("de"):
            assert "Rahmen prüfen" in reason_said("you do not take tasks of the kind verify_box")
            assert "Fachperson" in reason_said("it needs the tier specialist; yours is crowd")
