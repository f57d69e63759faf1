import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../feed/protocol";
import { kinds } from ".";
import type { Session, SessionEnv } from "./session";
import { NEIGHBOUR, OBJECT, payload } from "./testing/payloads";

const POLYGON = { type: "polygon", rings: [[[1230, 430], [1290, 430], [1260, 500]]] }; // biome-ignore format: one line
const LINE = { type: "polyline", points: [[1230, 430], [1290, 500]] }; // biome-ignore format: one line
const MASK = { type: "mask", size: [4, 3], counts: [0, 5, 2, 5], offset: [1240, 440] };
const SKELETON = { joints: [{ name: "head" }, { name: "foot" }], edges: [["head", "foot"]] };
const POSE = { type: "keypoints", points: { head: [1260, 440, 2], foot: [1260, 490, 1] } };
const BLOCK = { rect: [1200, 400, 160, 160], size: [2, 2], runs: [[1, 2], [2, 2]] }; // biome-ignore format: one line

/** What each of these kinds is asked, and commands that answer it; the first one changes something. */
const ASKED: Readonly<Record<string, readonly [JsonObject, readonly string[]]>> = {
  fix_polygon: [{ object: OBJECT, objects: [NEIGHBOUR], proposal: POLYGON }, ["next-vertex", "split", "submit"]],
  polyline: [{ object: OBJECT, proposal: LINE }, ["next-vertex", "split", "submit"]],
  keypoints: [{ object: OBJECT, skeleton: SKELETON, proposal: POSE }, ["ok", "hidden", "ok", "submit"]],
  fix_mask: [{ object: OBJECT, objects: [], proposal: MASK, refiner: null }, ["tool-eraser", "holes", "submit"]],
  verify_mask: [{ object: OBJECT, shape: POLYGON }, ["bad", "reason-part"]],
  point_yesno: [{ object: OBJECT, class: 0, point: [1250, 450] }, ["yes"]],
  label_region: [{ segments: BLOCK, open: [1, 2], known: {}, classes: [0, 1] }, ["give", "void", "submit"]],
};

const opened: Session[] = [];

function open(name: string, draft: unknown = null): { session: Session; sent: unknown[] } {
  const sent: unknown[] = [];
  const env: SessionEnv = {
    pictures: { status: "ready", get: () => null },
    submit: () => sent.push(session.answer()),
    say() {},
    zoomed() {},
    changed() {},
    reveal() {},
    armed: () => true,
  };
  const task = payload(name, ASKED[name]?.[0] ?? {});
  const kind = kinds.get(name);
  if (!kind) throw new Error(`no kind ${name}`);
  const session = kind.open({ assignment: 1, lease: "l", leaseSeconds: 60, task }, env, draft);
  opened.push(session);
  return { session, sent };
}

function run(session: Session, id: string): void {
  const command = session.commands.find((c) => c.id === id);
  expect(command, id).toBeDefined();
  command?.run(null);
}

// The test's window paints nothing; what is painted is seen in the browser's tests.
beforeAll(() => {
  class Path {
    moveTo(): void {}
    lineTo(): void {}
    closePath(): void {}
  }
  vi.stubGlobal("Path2D", Path);
});

afterEach(() => {
  for (const session of opened.splice(0)) session.destroy();
});

describe.each(Object.keys(ASKED))("%s on the screen", (name) => {
  it("answers by its own commands", () => {
    const { session, sent } = open(name);
    for (const id of ASKED[name]?.[1] ?? []) run(session, id);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toHaveProperty("value");
  });

  it("has no key that means two things, and a name for every command", () => {
    const { commands } = open(name).session;
    const keys = commands.flatMap((c) => c.keys);
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
    expect(commands.filter((c) => c.label.trim() === "" || c.keys.length === 0)).toEqual([]);
    const ids = commands.map((c) => c.id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it("goes on from a draft that was kept as JSON", () => {
    const { session } = open(name);
    const first = ASKED[name]?.[1][0];
    if (first) run(session, first);
    const kept = JSON.parse(JSON.stringify(session.draft()));
    expect(open(name, kept).session.draft()).toEqual(session.draft());
  });

  it("takes every step back", () => {
    const { session } = open(name);
    const before = session.answer();
    for (const id of (ASKED[name]?.[1] ?? []).slice(0, -1)) run(session, id);
    while (session.canUndo) session.undo();
    expect(session.answer()).toEqual(before);
  });
});

describe("while something is being drawn", () => {
  it("the same keys close it instead of sending it", () => {
    const { session, sent } = open("fix_polygon");
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
