"""The label schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.annotation.schema import PALETTE, LabelSchema, SchemaError

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


class TestLabelSchema:
    @given(st.lists(names, min_size=1, max_size=20, unique_by=str.casefold))
    def test_reads_back_what_it_wrote(self, some: list[str]) -> None:
        schema = LabelSchema.from_json({"version": 3, "classes": [{"name": name} for name in some]})

        assert LabelSchema.from_json(schema.to_json()) == schema
        assert [c.id for c in schema.classes] == list(range(len(some)))
        assert schema.classes[0].color == PALETTE[0]
        for c in schema.classes:
            assert schema.by_id(c.id) == c == schema.by_name(c.name.casefold())

    @pytest.mark.parametrize(
        ("given_json", "named"),
        [
            ([], "schema: give an object"),
            ({"classes": []}, "schema.classes: give a list"),
            ({"classes": [{"name": " "}]}, r"schema.classes\[0\].name"),
            ({"classes": [{"name": "a", "id": -1}]}, r"schema.classes\[0\].id"),
            ({"classes": [{"name": "a", "id": True}]}, r"schema.classes\[0\].id"),
            ({"classes": [{"name": "a", "color": "red"}]}, r"schema.classes\[0\].color"),
            ({"classes": [{"name": "a", "key": "ab"}]}, r"schema.classes\[0\].key"),
            ({"classes": [{"name": "a", "size": 3}]}, r"schema.classes\[0\].size: unknown field"),
            ({"classes": [{"name": "a"}, {"name": "A"}]}, "the name 'a' is used twice"),
            ({"classes": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]}, "the id 1 is used twice"),
            ({"classes": [{"name": "a", "key": "x"}, {"name": "b", "key": "x"}]}, "the key 'x'"),
            ({"version": 0, "classes": [{"name": "a"}]}, "schema.version"),
            ({"classes": [{"name": "a"}], "colour": 1}, "schema.colour: unknown field"),
        ],
    )
    def test_names_the_field_it_refuses(self, given_json: object, named: str) -> None:
        with pytest.raises(SchemaError, match=named):
            LabelSchema.from_json(given_json)

    def test_knows_no_other_class(self) -> None:
        schema = LabelSchema.from_json({"classes": [{"name": "car"}]})

        with pytest.raises(SchemaError, match="class 7 is not in schema version 1"):
            schema.by_id(7)
        with pytest.raises(SchemaError, match="'tree'"):
            schema.by_name("tree")
