import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import {
  answerKeypoints,
  confirm,
  confirmRest,
  guess,
  type KeypointsState,
  markAbsent,
  moveJoint,
  pairs,
  promptKeypoints,
  put,
  readSkeleton,
  startKeypoints,
  swapSides,
  toggleHidden,
} from "./model";

const SKELETON = {
  joints: [
    { name: "nose", label: "Nose", side: null },
    { name: "left_eye", label: "Left eye", side: "left" },
    { name: "right_eye", label: "Right eye", side: "right" },
  ],
  edges: [
    ["nose", "left_eye"],
    ["nose", "right_eye"],
  ],
};
const PROPOSAL = {
  type: "keypoints",
  points: { nose: [1260, 440, 2], left_eye: [1264, 436, 1], right_eye: [0, 0, 0] },
};

function task(proposal: object | null = null) {
  const fields = payload("keypoints", { object: OBJECT, skeleton: SKELETON, proposal: proposal as never });
  return readSkeleton(fields, readTask(fields));
}

function placed(): KeypointsState {
  const points = [[1260, 440], [1264, 436], [1256, 436.004]] as const; // biome-ignore format: points
  return points.reduce<KeypointsState>((s, p) => put(task(), s, p), startKeypoints(task()));
}

describe("keypoints", () => {
  it("asks for one joint after the other", () => {
    const start = startKeypoints(task());
    expect(promptKeypoints(task(), start)).toBe("Nose of this tree: click it");
    const next = put(task(), start, [1260, 440]);
    expect(promptKeypoints(task(), next)).toBe("Left eye of this tree: click it");
    expect(promptKeypoints(task(), placed())).toBe("All joints of this tree are set: send them");
  });

  it("answers with every joint once, visible where it was clicked", () => {
    expect(answerKeypoints(task(), placed())).toEqual({
      value: {
        shape: {
          type: "keypoints",
          points: { nose: [1260, 440, 2], left_eye: [1264, 436, 2], right_eye: [1256, 436, 2] },
        },
      },
    });
  });

  it("has no answer while a joint is open, and none without any joint", () => {
    const two = put(task(), put(task(), startKeypoints(task()), [1260, 440]), [1264, 436]);
    expect(answerKeypoints(task(), two)).toEqual({ missing: "Still open: Right eye" });
    const gone = [0, 1, 2].reduce<KeypointsState>((s) => markAbsent(task(), s), startKeypoints(task()));
    expect(answerKeypoints(task(), gone)).toHaveProperty("missing");
  });

  it("confirms what was proposed, joint by joint or all at once", () => {
    const with_ = task(PROPOSAL);
    const start = startKeypoints(with_);
    expect(confirm(task(), startKeypoints(task()))).toBeNull();
    expect(confirmRest(task(), startKeypoints(task()))).toBeNull();
    expect(confirm(with_, start)).toMatchObject({ at: 1, done: ["nose"] });
    expect(answerKeypoints(with_, confirmRest(with_, start) ?? start)).toEqual({ value: { shape: PROPOSAL } });
  });

  it("keeps a hidden joint hidden when it is moved, and shows it again", () => {
    const with_ = task(PROPOSAL);
    const moved = moveJoint(with_, startKeypoints(with_), 1, [1265, 437]);
    expect(moved.points.left_eye).toEqual({ p: [1265, 437], v: 1 });
    expect(toggleHidden(with_, moved)?.points.left_eye?.v).toBe(2);
    expect(toggleHidden(with_, { ...moved, at: 2 })).toBeNull();
  });

  it("swaps left and right with what is known about them", () => {
    const with_ = task(PROPOSAL);
    const swapped = swapSides(with_, confirm(with_, { ...startKeypoints(with_), at: 1 }) as KeypointsState);
    expect(swapped.points.right_eye).toEqual({ p: [1264, 436], v: 1 });
    expect(swapped.points.left_eye?.v).toBe(0);
    expect(swapped.done).toEqual(["right_eye"]);
    expect(swapSides(with_, swapped).points).toEqual(startKeypoints(with_).points);
  });

  it("pairs sides by name, else by order", () => {
    const joint = (name: string, side: "left" | "right") => ({ name, label: name, side });
    expect(
      pairs([joint("l_hip", "left"), joint("l_knee", "left"), joint("r_knee", "right"), joint("r_hip", "right")]),
    ).toEqual([
      ["l_hip", "r_hip"],
      ["l_knee", "r_knee"],
    ]);
    expect(pairs([joint("a", "left"), joint("b", "right")])).toEqual([["a", "b"]]);
  });

  it("guesses a place beside the joints that are placed", () => {
    expect(guess(task(), startKeypoints(task()))).toEqual([1260, 465]);
    expect(guess(task(), put(task(), startKeypoints(task()), [1250, 440]))).toEqual([1250, 440]);
  });

  it("refuses a skeleton whose edges name no joint", () => {
    const fields = payload("keypoints", { object: OBJECT, skeleton: { ...SKELETON, edges: [["nose", "tail"]] } });
    expect(() => readSkeleton(fields, readTask(fields))).toThrow("skeleton.edges[0][1]");
  });
});
