import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import { answerVerify, ask, judge, promptVerify, readVerify, startVerify, toggleEdge } from "./model";

const fields = payload("verify_box", { object: OBJECT, objects: [OBJECT, NEIGHBOUR] });
const task = readVerify(fields, readTask(fields));

describe("verify_box", () => {
  it("asks about the object's class and shows its neighbours, not the object itself, as context", () => {
    expect(promptVerify(task)).toBe("Is this tree outlined correctly?");
    expect(task.objects.map((o) => o.id)).toEqual([32]);
  });

  it("has no answer before a verdict", () => {
    expect(answerVerify(task, startVerify())).toHaveProperty("missing");
  });

  it("sends the marked edges with geometry, in a fixed order", () => {
    const marked = toggleEdge(toggleEdge(startVerify(), "bottom"), "left");
    expect(marked.asking).toBe(true);
    expect(answerVerify(task, judge(marked, "geometry"))).toEqual({
      value: { verdict: "geometry", edges: ["left", "bottom"] },
    });
  });

  it("drops marked edges with any other verdict", () => {
    const judged = judge(toggleEdge(startVerify(), "top"), "not_object");
    expect(answerVerify(task, judged)).toEqual({ value: { verdict: "not_object" } });
  });

  it("forgets the marks when the person takes the no back", () => {
    expect(ask(toggleEdge(startVerify(), "top"), false)).toEqual(startVerify());
  });
});
