"""Who may answer what, and the reason when not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.eligibility import Candidate, Waiting, over_load, rank, why_not
from routing.policy import TIERS, RoutingPolicy

POLICY = RoutingPolicy()


def task(**changes: object) -> Candidate:
    fields: dict[str, object] = {
        "assignment": 1,
        "microtask": 1,
        "project": 1,
        "kind": "verify_box",
        "lane": "cars",
        "domain": "traffic",
        "language": "de",
    }
    return Candidate(**{**fields, **changes})  # type: ignore[arg-type]


def ada(**changes: object) -> Waiting:
    fields: dict[str, object] = {
        "id": 7,
        "domains": frozenset({"traffic"}),
        "languages": frozenset({"de", "en"}),
    }
    return Waiting(**{**fields, **changes})  # type: ignore[arg-type]


class TestWhyNot:
    def test_finds_nothing_against_a_match(self) -> None:
        assert why_not(ada(), task(), POLICY) == []

    @pytest.mark.parametrize(
        ("person", "candidate", "code", "words"),
        [
            (ada(paused="Have a rest."), task(), "paused", "Have a rest."),
            (ada(kinds=frozenset({"fix_box"})), task(), "kind", "verify_box"),
            (ada(), task(tier="specialist"), "tier", "yours is crowd"),
            (ada(domains=frozenset()), task(), "domain", "qualification in traffic"),
            (ada(languages=frozenset({"en"})), task(), "language", "in de"),
            (ada(), task(excluded=frozenset({7})), "excluded", "another pair of eyes"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_gives_the_one_reason_in_words(
        self, person: Waiting, candidate: Candidate, code: str, words: str
    ) -> None:
        reasons = why_not(person, candidate, POLICY)

        assert [reason.code for reason in reasons] == [code]
        assert words in reasons[0].text

    def test_gives_every_reason_at_once(self) -> None:
        person = ada(paused="Stop.", domains=frozenset(), languages=frozenset())

        codes = {reason.code for reason in why_not(person, task(tier="adjudicator"), POLICY)}

        assert codes == {"paused", "domain", "language", "tier"}

    def test_asks_no_qualification_where_none_is_named(self) -> None:
        stranger = Waiting(3)

        assert why_not(stranger, task(domain="", language=""), POLICY) == []

    def test_caps_the_load_beyond_several_fair_shares_and_a_free_allowance(self) -> None:
        share = POLICY.load_free
        busy = ada(answers_today=int(POLICY.load_cap * share) + 1)

        assert [r.code for r in why_not(busy, task(), POLICY, fair_share=share)] == ["load_cap"]
        assert why_not(busy, task(), POLICY) == []
        assert not over_load(ada(answers_today=POLICY.load_free), POLICY, 0.0)

    @given(st.sampled_from(TIERS), st.sampled_from(TIERS))
    def test_lets_every_tier_do_the_work_below_it(self, own: str, needed: str) -> None:
        reasons = why_not(ada(tier=own), task(tier=needed), POLICY)

        assert (not reasons) == (rank(own) >= rank(needed))

    def test_knows_no_other_tiers(self) -> None:
        with pytest.raises(ValueError, match="boss"):
            rank("boss")
