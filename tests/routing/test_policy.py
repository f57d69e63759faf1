"""Every threshold of the routing."""

import dataclasses
import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy import PolicyError, RoutingPolicy
from routing.tables import Table


def numeric_fields() -> list[str]:
    policy = RoutingPolicy()
    return [
        field.name
        for field in dataclasses.fields(policy)
        if isinstance(getattr(policy, field.name), int | float)
        and not isinstance(getattr(policy, field.name), bool)
    ]


class TestRoutingPolicy:
    def test_reads_back_what_it_wrote(self) -> None:
        policy = RoutingPolicy.from_json({"target_risk": 0.02, "wage_per_hour": {"senior": 20}})

        assert RoutingPolicy.from_json(json.loads(json.dumps(policy.to_json()))) == policy
        assert policy.wage_per_hour["senior"] == 20
        assert policy.wage_per_hour["crowd"] == RoutingPolicy().wage_per_hour["crowd"]

    def test_is_usable_as_a_key(self) -> None:
        assert len({RoutingPolicy(), RoutingPolicy.from_json({})}) == 1
        assert hash(RoutingPolicy()) == hash(RoutingPolicy.from_json({}))
        assert hash(RoutingPolicy()) != hash(RoutingPolicy.from_json({"target_risk": 0.02}))

    def test_travels_between_processes(self) -> None:
        policy = RoutingPolicy.from_json({"target_risk": 0.02})
        kept = hash(policy)

        there = pickle.loads(pickle.dumps(policy))

        assert there == policy and "_hash" not in vars(there)
        assert hash(there) == kept

    @pytest.mark.parametrize("name", numeric_fields())
    def test_keeps_every_default_within_its_own_range_and_refuses_what_is_outside(self, name: str) -> None:
        meta = next(row for row in RoutingPolicy.describe() if row["name"] == name)

        assert meta["low"] <= meta["default"] <= meta["high"]
        assert meta["unit"] and meta["why"]
        for bad in (meta["low"] - 1, meta["high"] + 1, math.nan):
            with pytest.raises(PolicyError, match=f"policy.{name}"):
                RoutingPolicy.from_json({name: bad})

    @pytest.mark.parametrize(
        ("given_json", "named"),
        [
            ({"target_rsik": 0.1}, "policy.target_rsik: unknown"),
            ({"target_risk": "low"}, "policy.target_risk: give a number"),
            ({"target_risk": True}, "policy.target_risk: give a number"),
            ({"max_looks": 2.5}, "policy.max_looks: 2.5 is not a whole number"),
            ({"borrow_up": 1}, "policy.borrow_up: give true or false"),
            ({"expected_s": 3}, "policy.expected_s: give an object"),
            ({"expected_s": {"guess": 3}}, "policy.expected_s.guess: unknown"),
            ({"expected_s": {"fix_box": -3}}, "policy.expected_s.fix_box: -3 is out of range"),
            ({"grid_min": 20, "grid_size": 10}, "policy.grid_min: above grid_size"),
            ([1], "policy: give an object"),
        ],
    )
    def test_names_the_setting_it_refuses(self, given_json: object, named: str) -> None:
        with pytest.raises(PolicyError, match=named):
            RoutingPolicy.from_json(given_json)

    @given(st.floats(0, 1000), st.sampled_from(["crowd", "senior", "specialist", "adjudicator"]))
    def test_prices_time_by_wage(self, seconds: float, tier: str) -> None:
        policy = RoutingPolicy()
        ratio = policy.wage_per_hour[tier] / policy.wage_per_hour["crowd"]

        assert policy.price("fix_box", tier, seconds) == pytest.approx(seconds * ratio)
        assert policy.price("fix_box", tier) == pytest.approx(policy.expected_s["fix_box"] * ratio)

    def test_prices_time_alone_where_nobody_is_paid(self) -> None:
        policy = RoutingPolicy.from_json({"wage_per_hour": {"crowd": 0}})

        assert policy.price("fix_box", "specialist", 7.0) == 7.0


class TestTable:
    def test_equals_any_mapping_of_the_same_items_in_any_order(self) -> None:
        table = Table({"a": 1, "b": 2.5})

        assert table == Table({"b": 2.5, "a": 1.0})
        assert table == {"b": 2.5, "a": 1}
        assert table != Table({"a": 1})
        assert table != {"a": 1, "b": 3}
        assert len({table, Table({"b": 2.5, "a": 1})}) == 1

    def test_travels_between_processes(self) -> None:
        table = Table({"a": 1})

        there = pickle.loads(pickle.dumps(table))

        assert there == table and hash(there) == hash(table)
