import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import {
  answerClassify,
  carryClassify,
  classified,
  noneOfThese,
  promptClassify,
  readClassify,
  startClassify,
  toggleSecond,
} from "./model";

function taskOf(extra: Record<string, unknown>) {
  const fields = payload("classify_image", { classes: [1, 0], ...extra });
  return readClassify(fields, readTask(fields));
}

const task = taskOf({ object: OBJECT, objects: [OBJECT, NEIGHBOUR] });

describe("classify_image", () => {
  it("asks about the outlined object, or about the whole picture where there is none", () => {
    expect(promptClassify(task)).toBe("What is the outlined object?");
    expect(promptClassify(taskOf({ object: null }))).toBe("What does the picture show?");
    expect(task.objects.map((o) => o.id)).toEqual([32]);
  });

  it("lists the classes in the order of the schema, whatever order the server sent", () => {
    expect(task.choices.map((c) => c.id)).toEqual([0, 1]);
  });

  it("refuses classes that the schema lacks", () => {
    expect(() => taskOf({ classes: [0, 9] })).toThrow(/classes: expected ids of the schema/);
    expect(() => taskOf({ classes: [] })).toThrow(/classes: expected ids of the schema/);
  });

  it("sends the class, and null for none of these", () => {
    expect(answerClassify(task, startClassify())).toHaveProperty("missing");
    expect(answerClassify(task, classified(startClassify(), 1))).toEqual({ value: { class: 1, alt: null } });
    expect(answerClassify(task, noneOfThese(startClassify()))).toEqual({ value: { class: null, alt: null } });
  });

  it("sends a second choice along, which is never the first", () => {
    const second = toggleSecond(startClassify(), 0);
    expect(answerClassify(task, classified(second, 1))).toEqual({ value: { class: 1, alt: 0 } });
    expect(answerClassify(task, classified(second, 0))).toEqual({ value: { class: 0, alt: null } });
    expect(toggleSecond(second, 0).alt).toBeNull();
  });

  it("asks again after the answer was taken back", () => {
    const second = toggleSecond(startClassify(), 0);
    expect(carryClassify(classified(second, 1), second)).toEqual(second);
  });
});
