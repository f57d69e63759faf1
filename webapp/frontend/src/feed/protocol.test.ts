import { describe, expect, it } from "vitest";
import { readMessage } from "./protocol";

describe("readMessage", () => {
  it("reads an offer into this side's names", () => {
    const frame = JSON.stringify({
      type: "offer",
      assignment: 4,
      lease: "tok",
      lease_s: 90,
      task: { kind: "verify_box" },
    });
    expect(readMessage(frame)).toEqual({
      type: "offer",
      offer: { assignment: 4, lease: "tok", leaseSeconds: 90, task: { kind: "verify_box" } },
    });
  });

  it("skips types of a later version", () => {
    expect(readMessage('{"type": "hologram"}')).toBeNull();
  });

  it("names the field that is wrong", () => {
    expect(() => readMessage('{"type": "ack", "id": "x", "status": "perhaps"}')).toThrow(/status: expected one of/);
    expect(() => readMessage('{"type": "offer", "assignment": 1, "task": {}}')).toThrow(/lease: expected a text/);
    expect(() => readMessage("not json")).toThrow(/expected JSON/);
    expect(() => readMessage("[]")).toThrow(/expected an object/);
  });

  it("takes an acknowledgement with and without feedback", () => {
    const ack = (feedback: unknown) => readMessage(JSON.stringify({ type: "ack", id: "x", status: "late", feedback }));
    expect(ack(null)).toMatchObject({ feedback: null });
    const told = { correct: true, code: "overlap", about: { percent: 91 }, message: "Well seen" };
    expect(ack(told)).toMatchObject({ feedback: told });
  });

  it("takes reasons as codes, and as texts from a server that sends no codes", () => {
    const because = [
      { code: "tier", about: { needed: "senior", yours: "crowd" }, message: "it needs the tier senior" },
    ];
    const idle = (more: object) => readMessage(JSON.stringify({ type: "idle", reasons: ["it needs"], ...more }));
    expect(idle({ because })).toEqual({ type: "idle", reasons: because });
    expect(idle({})).toEqual({ type: "idle", reasons: [{ code: "", about: {}, message: "it needs" }] });
    expect(readMessage('{"type": "paused", "reason": ""}')).toEqual({ type: "paused", reasons: [] });
    const why = { type: "explanation", assignment: 3, why: "It waits.", asked_because: "a quick look", terms: {} };
    expect(readMessage(JSON.stringify(why))).toMatchObject({
      why: [{ code: "", message: "It waits." }],
      asked: [{ code: "", message: "a quick look" }],
    });
  });
});
