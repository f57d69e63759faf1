import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Asked, describeKinds, openKind, run } from "./testing/mounted";
import { NEIGHBOUR, OBJECT } from "./testing/payloads";

const POLYGON = { type: "polygon", rings: [[[1230, 430], [1290, 430], [1260, 500]]] }; // biome-ignore format: one line
const LINE = { type: "polyline", points: [[1230, 430], [1290, 500]] }; // biome-ignore format: one line
const MASK = { type: "mask", size: [4, 3], counts: [0, 5, 2, 5], offset: [1240, 440] };
const SKELETON = { joints: [{ name: "head" }, { name: "foot" }], edges: [["head", "foot"]] };
const POSE = { type: "keypoints", points: { head: [1260, 440, 2], foot: [1260, 490, 1] } };
const BLOCK = { rect: [1200, 400, 160, 160], size: [2, 2], runs: [[1, 2], [2, 2]] }; // biome-ignore format: one line

const ASKED: Asked = {
  fix_polygon: [{ object: OBJECT, objects: [NEIGHBOUR], proposal: POLYGON }, ["next-vertex", "split", "submit"]],
  polyline: [{ object: OBJECT, proposal: LINE }, ["next-vertex", "split", "submit"]],
  keypoints: [{ object: OBJECT, skeleton: SKELETON, proposal: POSE }, ["ok", "hidden", "ok", "submit"]],
  fix_mask: [{ object: OBJECT, objects: [], proposal: MASK, refiner: null }, ["tool-eraser", "holes", "submit"]],
  verify_mask: [{ object: OBJECT, shape: POLYGON }, ["bad", "reason-part"]],
  point_yesno: [{ object: OBJECT, class: 0, point: [1250, 450] }, ["yes"]],
  label_region: [{ segments: BLOCK, open: [1, 2], known: {}, classes: [0, 1] }, ["give", "void", "submit"]],
};

// The test's window paints nothing; what is painted is seen in the browser's tests.
beforeAll(() => {
  class Path {
    moveTo(): void {}
    lineTo(): void {}
    closePath(): void {}
  }
  vi.stubGlobal("Path2D", Path);
});

describeKinds(ASKED);

describe.each(Object.keys(ASKED))("%s, step by step", (name) => {
  it("takes every step back", () => {
    const { session } = openKind(ASKED, name);
    const before = session.answer();
    for (const id of (ASKED[name]?.[1] ?? []).slice(0, -1)) run(session, id);
    while (session.canUndo) session.undo();
    expect(session.answer()).toEqual(before);
  });
});

describe("while something is being drawn", () => {
  it("the same keys close it instead of sending it", () => {
    const { session, sent } = openKind(ASKED, "fix_polygon");
    run(session, "redraw");
    expect(session.commands.map((c) => c.id)).toContain("take-back");
    run(session, "submit");
    expect(sent).toEqual([]);
    run(session, "back");
    run(session, "reset");
    run(session, "submit");
    expect(sent).toEqual([{ value: { shape: POLYGON, deleted: false } }]);
  });
});
