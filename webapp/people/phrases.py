"""Every sentence that the code says to people and stores as English text, by a code: so that it can be said in theirs.

Reasons are kept as text with tasks, records and events, and travel as text to scripts. Where a person is to read one,
`read` finds its code and its values again, and the catalogues say it: `wording.reason_said` on the server's pages, the workbench by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_noop as lazy

Values = Mapping[str, str | float]

NUMBERS = {"n", "right", "seconds", "looks", "missing"}
PLACE = re.compile(r"\\{(\w+)\\}")  # a placeholder as `re.escape` leaves it


PHRASES = {
    "nothing_open": lazy("nothing is open right now"),
    "taken": lazy("all open tasks that suit you were just taken; more follow"),
    "just_taken": lazy("what suits you was just taken; ask again"),
    "spared": lazy("what is open now goes to people who are at that kind of task already; more follows"),
    "kind": lazy("you do not take tasks of the kind {kind}"),
    "tier": lazy("it needs the tier {needed}; yours is {yours}"),
    "domain": lazy("it needs a qualification in {domain}"),
    "language": lazy("its guideline is in {language}"),
    "excluded": lazy("you have already worked on it; another pair of eyes must decide"),
    "load_cap": lazy("you have done several fair shares today; others come first"),
    "paused": lazy("your work is paused"),
    "time_ran_out": lazy("the time for it ran out"),
    "spam_yes": lazy("Over {n} checked answers this account says yes to nearly everything."),
    "spam_no": lazy("Over {n} checked answers this account refuses nearly everything."),
    "spam_random": lazy("Over {n} checked answers this account answers as if at random."),
    "lately_yes": lazy("Over the last {n} checked answers this account says yes to nearly everything."),
    "lately_no": lazy("Over the last {n} checked answers this account refuses nearly everything."),
    "lately_random": lazy("Over the last {n} checked answers this account answers as if at random."),
    "too_fast": lazy("{n} answers of the kind {kind} took about {seconds} s each, too little to look."),
    "systematic": lazy(
        "Your verdicts are right, but nearly all you drew had the outline or the class wrong in the end; "
        "please compare with the guideline's examples."
    ),
    "slips": lazy("Over {n} checked answers there were more slips than usual; a short refresher may help."),
    "verdicts": lazy("{right} of {n} checked verdicts were right; a short refresher may help."),
    "one_glance": lazy("probably right; one glance on a page settles it"),
    "single_look": lazy("a single look settles most"),
    "outline_wrong": lazy("the outline is probably wrong"),
    "drawn_differently": lazy("two people drew it differently"),
    "unsure": lazy("{n} people were unsure"),
    "could_not_say": lazy("{n} people could not say"),
    "one_could_not": lazy("somebody could not say"),
    "crowd_answered": lazy("everybody of the crowd has answered"),
    "novel": lazy("it looks like nothing seen before"),
    "unsettled_looks": lazy("still unsettled after {n} looks"),
    "unsettled_answers": lazy("still unsettled after {n} answers"),
    "unsettled_drawings": lazy("still unsettled after {n} drawings"),
    "unsettled_both": lazy("still unsettled after {n} drawings and {looks} looks"),
    "two_fixes": lazy("unsettled: two fixes"),
    "specialist_cheaper": lazy("unsettled: a specialist is cheaper than more questions"),
    "not_searched": lazy("nobody has searched this tile"),
    "missing": lazy("about {missing} objects are still missing"),
    "many_new": lazy("{n} searches and still many new objects"),
    "not_answered": lazy("nobody has answered yet"),
    "found_nothing": lazy("one person found nothing there"),
    "saw_nothing": lazy("one person saw nothing here"),
    "all_found_nothing": lazy("people found nothing there when they refined it"),
    "answers_differ": lazy("the answers do not agree enough yet"),
    "one_click": lazy("one click tells which of the drawings is right"),
    "drawings_differ": lazy("the drawings are not close enough yet"),
    "look_fits": lazy("one look tells whether the shape fits"),
    "look_which": lazy("two drawings differ: one look tells which fits"),
    "none_fits": lazy("none of the classes fits"),
    "class_wants": lazy("its class wants it"),
    "second_look": lazy("a second look"),
    "quick_look": lazy("a quick look"),
    "quick_many": lazy("a quick look at many"),
    "clicked": lazy("somebody clicked here"),
    "nobody_else": lazy("nobody else may answer"),
    "specialists_differ": lazy("two specialists differ"),
    "second_reader": lazy("a second reader is wanted"),
    "reopened": lazy("re-opened by a manager"),
    "reopened_note": lazy("re-opened: {note}"),
    "project_paused": lazy("{names}: work is paused"),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that is known: its code and what it is filled with. An unknown one has the code "" and only its text."""

    code: str
    about: Values
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "about": dict(self.about), "message": self.message}


def _pattern(template: str) -> re.Pattern[str]:
    places = {
        name: r"\d+(?:\.\d+)?" if name in NUMBERS else ".+?" for name in re.findall(r"\{(\w+)\}", template)
    }
    return re.compile(PLACE.sub(lambda m: f"(?P<{m[1]}>{places[m[1]]})", re.escape(template)), re.DOTALL)


_PATTERNS = {code: _pattern(template) for code, template in PHRASES.items()}


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)


@lru_cache(maxsize=4_096)
def read(message: str) -> Phrase:
    """Return the phrase that a sentence is, with its values; one with the code "" for a text that somebody wrote."""
    for code, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(message):
            about = {k: _number(v) if k in NUMBERS else v for k, v in found.groupdict().items()}
            return Phrase(code, about, message)
    return Phrase("", {}, message)


def because(messages: list[str]) -> list[dict[str, Any]]:
    """Sentences as the feed sends them: codes with their values, and the English text."""
    return [read(message).to_json() for message in messages]
