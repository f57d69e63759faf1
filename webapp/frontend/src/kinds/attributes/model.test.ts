import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import {
  type AttributesState,
  answerAttributes,
  choose,
  chooseNone,
  cycle,
  digitsOf,
  isOneKey,
  moveTo,
  promptAttributes,
  readAttributes,
  startAttributes,
  unanswered,
} from "./model";

const HEALTH = {
  id: "health",
  name: "Health",
  options: [
    { id: "living", name: "living" },
    { id: "dead", name: "dead", key: "1" },
    { id: "sick", name: "sick" },
  ],
  multi: false,
};
const SEEN = {
  id: "seen",
  name: "What can be seen",
  options: [
    { id: "crown", name: "crown" },
    { id: "trunk", name: "trunk" },
  ],
  multi: true,
};

function taskOf(...attributes: object[]) {
  const fields = payload("attributes", { object: OBJECT, objects: [NEIGHBOUR], attributes });
  return readAttributes(fields, readTask(fields));
}

const task = taskOf(HEALTH, SEEN);
const value = (state: AttributesState) => answerAttributes(task, state);

describe("attributes", () => {
  it("names the attribute when there is one, the object when there are several", () => {
    expect(promptAttributes(taskOf(HEALTH))).toBe("Health of this tree?");
    expect(promptAttributes(task)).toBe("Describe this tree");
    expect([isOneKey(taskOf(HEALTH)), isOneKey(taskOf(SEEN)), isOneKey(task)]).toEqual([true, false, false]);
  });

  it("gives options their own digit first and free ones to the rest", () => {
    expect(digitsOf(["", "1", ""])).toEqual(["2", "1", "3"]);
    expect(digitsOf(["7", "7", "x"])).toEqual(["7", "1", "2"]);
    expect(digitsOf(Array.from({ length: 11 }, () => "")).slice(8)).toEqual(["9", null, null]);
  });

  it("moves on to what is still open after a single choice, and stays while several may be chosen", () => {
    const one = choose(task, startAttributes(), 0, "dead");
    expect(one.at).toBe(1);
    expect(choose(task, one, 1, "trunk").at).toBe(1);
  });

  it("sends an option's id, and a list of ids in the schema's order where several may hold", () => {
    const one = choose(task, startAttributes(), 0, "dead");
    expect(value(one)).toEqual({ missing: "Still to answer: What can be seen" });
    const both = choose(task, choose(task, one, 1, "trunk"), 1, "crown");
    expect(value(both)).toEqual({ value: { attributes: { health: "dead", seen: ["crown", "trunk"] } } });
    const without = choose(task, both, 1, "crown");
    expect(value(without)).toEqual({ value: { attributes: { health: "dead", seen: ["trunk"] } } });
  });

  it("takes none of them as an answer only where several may hold", () => {
    const one = choose(task, startAttributes(), 0, "living");
    expect(value(chooseNone(task, one, 1))).toEqual({ value: { attributes: { health: "living", seen: [] } } });
    expect(chooseNone(task, startAttributes(), 0)).toEqual(startAttributes());
  });

  it("looks for an open attribute from the one at hand and begins again at the first", () => {
    const last = chooseNone(task, moveTo(task, startAttributes(), 1), 1);
    expect(last.at).toBe(0);
    expect(unanswered(task, { ...last, at: 1 })).toBe(0);
    expect(unanswered(task, choose(task, last, 0, "sick"))).toBeNull();
  });

  it("walks through the options with arrows, round and round", () => {
    const first = cycle(task, startAttributes(), 1);
    expect(first.chosen).toEqual({ health: ["living"] });
    expect(cycle(task, first, -1).chosen).toEqual({ health: ["sick"] });
  });

  it("ignores an option that it does not know and stays inside the list", () => {
    expect(choose(task, startAttributes(), 0, "purple")).toEqual(startAttributes());
    expect(moveTo(task, startAttributes(), 9).at).toBe(1);
    expect(moveTo(task, startAttributes(), -3).at).toBe(0);
  });

  it("names the field that is broken", () => {
    expect(() => taskOf({ ...HEALTH, options: [HEALTH.options[0]] })).toThrow(/attributes\[0\]\.options/);
    expect(() => taskOf()).toThrow(/attributes: expected at least one/);
  });
});
