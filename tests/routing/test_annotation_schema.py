"""The label schema."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.annotation.schema import PALETTE, LabelSchema, SchemaError

MORE: dict[str, Any] = {
    "classes": [{"name": "dog"}, {"name": "car"}, {"name": "cat"}],
    "skeletons": {
        "dog": {"joints": [{"name": "nose"}, {"name": "l_ear", "side": "left"}], "edges": [["nose", "l_ear"]]}
    },
    "attributes": [{"id": "color", "options": [{"id": "red", "key": "r"}, {"id": "blue", "name": "Blue"}]}],
}
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


def wanting(**wants: Any) -> dict[str, Any]:
    first, *rest = MORE["classes"]
    return {**MORE, "classes": [{**first, **wants}, *rest]}


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
            (wanting(geometry="circle"), r"classes\[0\].geometry: 'circle' is not one of box"),
            (wanting(geometry="keypoints"), r"classes\[0\].skeleton: name one exactly with"),
            (wanting(skeleton="dog"), r"classes\[0\].skeleton: name one exactly with"),
            (wanting(geometry="keypoints", skeleton="cat"), "'cat' is not in schema.skeletons"),
            (wanting(geometry="cuboid"), r"classes\[0\].dims: give them exactly with"),
            (wanting(geometry="cuboid", dims=[4, 0, 1]), r"classes\[0\].dims: \[4, 0, 1\]; give length"),
            (wanting(attributes=["age"]), r"classes\[0\].attributes\[0\]: 'age' is not in schema.attributes"),
            (wanting(attributes=["color", "color"]), "the attribute 'color' is used twice"),
            (wanting(subclasses=[0, 1]), "two or more classes other than the class itself"),
            (wanting(subclasses=[1, 9]), r"subclasses\[1\]: 9 is not a class"),
            ({**MORE, "scene": {"classes": [1]}}, "schema.scene.classes: one class leaves nothing"),
            ({**MORE, "scene": {"triage": 1}}, "schema.scene.triage: 1; give true or false"),
            ({**MORE, "skeletons": {"d": {"joints": []}}}, r"skeletons.d.joints: give at least one"),
            (
                {**MORE, "skeletons": {"d": {"joints": [{"name": "a", "side": "up"}]}}},
                r"skeletons.d.joints\[0\].side: 'up'",
            ),
            (
                {**MORE, "skeletons": {"d": {"joints": [{"name": "a"}], "edges": [["a", "b"]]}}},
                r"skeletons.d.edges\[0\]",
            ),
            ({**MORE, "attributes": [{"id": "a b", "options": []}]}, r"schema.attributes\[0\].id: 'a b'"),
            ({**MORE, "attributes": [{"id": "a", "options": [{"id": "x"}]}]}, "nothing to choose"),
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

    def test_reads_back_what_classes_want(self) -> None:
        given_json = {
            **wanting(geometry="keypoints", skeleton="dog", attributes=["color"], subclasses=[1, 2]),
            "scene": {"triage": True, "classes": [1, 2]},
        }

        schema = LabelSchema.from_json(given_json)

        assert LabelSchema.from_json(schema.to_json()) == schema
        assert schema.skeleton("dog").to_json()["joints"][1] == {
            "name": "l_ear",
            "label": "l_ear",
            "side": "left",
        }
        assert schema.classes[0].to_json()["attributes"] == ["color"]
        assert schema.scene.classes == (1, 2)

    def test_says_nothing_of_wants_that_a_class_does_not_have(self) -> None:
        schema = LabelSchema.from_json({"classes": [{"name": "car"}]})

        assert set(schema.to_json()) == {"version", "classes"}
        assert set(schema.classes[0].to_json()) == {"id", "name", "color", "key"}
