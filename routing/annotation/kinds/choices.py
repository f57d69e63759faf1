"""What an answer may choose: attributes, classes, regions, the state of a scene, whether two objects are one."""

from typing import Any

from routing.annotation import fields
from routing.annotation.fields import FieldError
from routing.annotation.kinds.common import Check, Payload, Value, class_of

SCENE_STATES = ("usable", "blurred", "dark", "privacy", "wrong_domain")
KEEP = ("union", "a", "b")
MAX_PROPOSED = 80  # characters of a new class's name
MAX_OPTIONS = 200  # chosen at once of one attribute


def _attributes(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("attributes",))
    asked = {entry["id"]: entry for entry in payload["attributes"]}
    given = fields.only(body["attributes"], "value.attributes", tuple(asked))
    return {"attributes": {id: _chosen(given[id], f"value.attributes.{id}", asked[id]) for id in asked}}


def _chosen(value: object, where: str, attribute: dict[str, Any]) -> str | list[str]:
    options = [option["id"] for option in attribute["options"]]
    if not attribute.get("multi"):
        return fields.one_of(value, where, options)
    named = {
        fields.one_of(entry, f"{where}[{i}]", options)
        for i, entry in enumerate(fields.rows(value, where, at_most=MAX_OPTIONS))
    }
    return [option for option in options if option in named]


def _classify_image(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("class",), ("alt",))
    known = {int(id) for id in payload["classes"]}
    chosen, alt = (
        None if body.get(name) is None else class_of(body[name], f"value.{name}", known)
        for name in ("class", "alt")
    )
    if alt is not None and alt == chosen:
        raise FieldError("value.alt: the same as class; leave it out or give the second choice")
    return {"class": chosen, "alt": alt}


def _triage_scene(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("state",))
    return {"state": fields.one_of(body["state"], "value.state", SCENE_STATES)}


def _merge_duplicates(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("same", "keep"))
    if not fields.flag(body["same"], "value.same"):
        if body["keep"] is not None:
            raise FieldError("value.keep: give null when they are not the same")
        return {"same": False, "keep": None}
    return {"same": True, "keep": fields.one_of(body["keep"], "value.keep", KEEP)}


def _label_region(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("assign",))
    names = tuple(str(id) for id in payload["open"])
    given = fields.only(body["assign"], "value.assign", names)
    known = {int(id) for id in payload["classes"]}
    return {
        "assign": {
            name: None if given[name] is None else class_of(given[name], f"value.assign.{name}", known)
            for name in names
        }
    }


def _name_unknown(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("class", "propose", "out_of_scope"))
    known = {int(id) for id in payload["classes"]}
    chosen = None if body["class"] is None else class_of(body["class"], "value.class", known)
    propose = fields.text(body["propose"], "value.propose", at_most=MAX_PROPOSED).strip()
    outside = fields.flag(body["out_of_scope"], "value.out_of_scope")
    if (chosen is not None) + bool(propose) + outside != 1:
        raise FieldError("value: give exactly one of class, propose and out_of_scope")
    return {"class": chosen, "propose": propose, "out_of_scope": outside}


CHECKS: dict[str, Check] = {
    "attributes": _attributes,
    "classify_image": _classify_image,
    "triage_scene": _triage_scene,
    "label_region": _label_region,
    "merge_duplicates": _merge_duplicates,
    "name_unknown": _name_unknown,
}
