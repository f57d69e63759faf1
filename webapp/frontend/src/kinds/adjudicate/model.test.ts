import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import { readCase } from "./case";
import {
  answerAdjudicate,
  asked,
  blindAnswer,
  carryAdjudicate,
  comparable,
  nextSource,
  readAdjudicate,
  revealed,
  rule,
  type Source,
  sources,
  startAdjudicate,
  take,
  toggleFeature,
} from "./model";

const fields = payload("adjudicate", { object: OBJECT, reason: "unsure twice", objects: [] });
const task = readAdjudicate(fields, readTask(fields));
const file = readCase({
  versions: [
    { number: 1, xyxy: [1230, 430, 1290, 500], class: 0, by: "model" },
    { number: 2, xyxy: [1228, 425, 1295, 505], class: 0, by: "annotator A" },
  ],
  answers: [{ by: "annotator B", kind: "verify_box", verdict: "geometry", version: 1 }],
  model: { score: 0.61 },
});
const blind = rule(startAdjudicate(task), "accept");
const open = revealed(asked(blind), file);

describe("adjudicate", () => {
  it("gives no ruling before the blind answer", () => {
    expect(blindAnswer(startAdjudicate(task))).toBeNull();
    expect(answerAdjudicate(task, blind)).toHaveProperty("missing");
  });

  it("sends the blind answer with its box", () => {
    expect(blindAnswer(blind)).toEqual({ ruling: "accept", xyxy: OBJECT.xyxy, class: 0 });
    expect(blindAnswer(rule(blind, "reject"))).toEqual({ ruling: "reject", xyxy: null, class: null });
  });

  it("offers one's own box beside all versions, and walks through them", () => {
    expect(sources(open).map((s) => s.key)).toEqual(["mine", "v1", "v2"]);
    const taken = take(open, sources(open)[2] as Source);
    expect(taken.box).toEqual([1228, 425, 1295, 505]);
    expect(nextSource(taken)?.key).toBe("mine");
  });

  it("records ruling, rubric, gold and note", () => {
    const state = { ...toggleFeature(rule(open, "accept"), "blurred"), gold: true, note: "crown edge in shadow" };
    expect(answerAdjudicate(task, state)).toMatchObject({
      value: { ruling: "accept", xyxy: OBJECT.xyxy, class: 0, make_gold: true, note: "crown edge in shadow" },
    });
  });

  it("never makes a control task of what cannot be decided", () => {
    expect(rule({ ...open, gold: true }, "undecidable").gold).toBe(false);
  });

  it("does not unsee the case by undo", () => {
    expect(carryAdjudicate(open, startAdjudicate(task))).toMatchObject({ phase: "case", file });
  });

  it("reads a case file that lacks everything", () => {
    expect(readCase({})).toEqual({
      versions: [],
      answers: [],
      modelScore: null,
      guideline: "",
      reason: "",
      precedents: [],
    });
  });

  it("compares the outline in use with the newest other one, or with the one pointed at", () => {
    const keys = (state: typeof open, pointed: Source | null = null) => comparable(state, pointed)?.map((s) => s.key);
    expect(keys(open)).toEqual(["mine", "v2"]);
    const second = sources(open).find((s) => s.key === "v2") as Source;
    expect(keys(take(open, second))).toEqual(["v2", "v1"]);
    expect(keys(take(open, second), sources(open)[1])).toEqual(["v2", "v1"]);
    const versions = [
      ...file.versions,
      { number: 3, box: [1220, 420, 1290, 500] as const, label: 0, by: "annotator C" },
    ];
    const third = revealed(asked(blind), { ...file, versions });
    expect(keys(third)).toEqual(["mine", "v3"]);
    expect(keys(third, second)).toEqual(["mine", "v2"]);
    expect(comparable(startAdjudicate(task))).toBeNull();
  });

  it("reads who answered by band only, and leaves out bands it does not know", () => {
    const answers = ["above", "odd", undefined].map((band) => ({ by: "annotator A", verdict: "ok", band }));
    expect(readCase({ answers }).answers.map((a) => a.band)).toEqual(["above", null, null]);
  });

  it("reads earlier rulings and refuses unknown ones", () => {
    const row = { id: "a", ruling: "redrawn", mine: true, view: [0, 0, 9, 9], proposed: [1, 1, 5, 5], ruled: null };
    expect(readCase({ precedents: [row] }).precedents).toEqual([{ ...row, rubric: [], note: "" }]);
    expect(() => readCase({ precedents: [{ ...row, ruling: "odd" }] })).toThrow("case.precedents");
    expect(file.precedents).toEqual([]);
  });
});
