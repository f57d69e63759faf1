import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import { answerName, carryName, objection, readName, startName } from "./model";

const fields = payload("name_unknown", { object: OBJECT, objects: [OBJECT, NEIGHBOUR], classes: [0, 1] });
const task = readName(fields, readTask(fields));
const start = startName();

describe("name_unknown", () => {
  it("answers with exactly one of class, proposal and out of scope", () => {
    expect(answerName(task, start)).toHaveProperty("missing");
    expect(answerName(task, { ...start, said: "class", label: 1, propose: "hedge" })).toEqual({
      value: { class: 1, propose: "", out_of_scope: false },
    });
    expect(answerName(task, { ...start, said: "propose", propose: "  hedge " })).toEqual({
      value: { class: null, propose: "hedge", out_of_scope: false },
    });
    expect(answerName(task, { ...start, said: "out", propose: "hedge" })).toEqual({
      value: { class: null, propose: "", out_of_scope: true },
    });
  });

  it("sends no proposal without a name, or with one that the project has", () => {
    expect(answerName(task, { ...start, said: "propose", propose: "  " })).toHaveProperty("missing");
    expect(objection(task, "Tree")).toMatch(/there already/);
    expect(objection(task, "treetop")).toBeNull();
  });

  it("keeps what was written when the answer is taken back", () => {
    expect(carryName({ said: "out", label: null, propose: "hedge" }, start)).toEqual({ ...start, propose: "hedge" });
  });

  it("needs an object to ask about", () => {
    const broken = payload("name_unknown", { object: null, classes: [0] });
    expect(() => readName(broken, readTask(broken))).toThrow(/object: expected an object/);
  });
});
