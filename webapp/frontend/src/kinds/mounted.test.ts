import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../feed/protocol";
import { kinds } from ".";
import type { Session, SessionEnv } from "./session";
import { NEIGHBOUR, OBJECT, payload } from "./testing/payloads";

const K = [
  [700, 0, 1280],
  [0, 700, 300],
  [0, 0, 1],
];
const CALIBRATION = { K, ground: { n: [0, 1, 0], d: 1.65 } };
const SOLID = { type: "cuboid", center: [-0.4, 0.9, 9], dims: [4, 1.7, 1.5], yaw: -1.2 };
const EGO = {
  ...CALIBRATION,
  T_cam_ego: [
    [0, -1, 0, 0],
    [0, 0, -1, 1.6],
    [1, 0, 0, 0],
    [0, 0, 0, 1],
  ],
};
const OPTIONS = ["red", "green", "blue"].map((id) => ({ id, name: id }));
const CUBOID = { object: OBJECT, proposal: SOLID, dims_prior: [3.9, 1.6, 1.5] };

/** What each of these kinds is asked, and the commands whose keys answer it. */
const ASKED: Readonly<Record<string, readonly [JsonObject, readonly string[]]>> = {
  attributes: [
    { object: OBJECT, attributes: [{ id: "colour", name: "Colour", options: OPTIONS, multi: true }] },
    ["option-2", "submit"],
  ],
  classify_image: [{ object: OBJECT, objects: [NEIGHBOUR], classes: [0, 1] }, ["second-0", "class-1"]],
  triage_scene: [{}, ["usable"]],
  merge_duplicates: [{ a: OBJECT, b: NEIGHBOUR }, ["preview", "keep-union"]],
  name_unknown: [{ object: OBJECT, classes: [0, 1] }, ["out"]],
  cuboid_cam: [{ ...CUBOID, calibration: CALIBRATION }, ["flip", "submit"]],
  verify_cuboid: [{ object: OBJECT, shape: SOLID, calibration: CALIBRATION }, ["bad", "reason-part"]],
  cuboid_lidar: [
    {
      ...CUBOID,
      proposal: { ...SOLID, center: [9, 0.4, 0.7], yaw: 0.2 },
      calibration: EGO,
      cloud: { url: "/clouds/1", count: 1, format: "float32 xyzi" },
    },
    ["flip", "submit"],
  ],
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

afterEach(() => {
  for (const session of opened.splice(0)) session.destroy();
});

describe.each(Object.keys(ASKED))("%s on the screen", (name) => {
  vi.stubGlobal("fetch", () => Promise.reject(new Error("no network here")));

  it("answers by its own commands", () => {
    const { session, sent } = open(name);
    for (const id of ASKED[name]?.[1] ?? []) {
      const command = session.commands.find((c) => c.id === id);
      expect(command, id).toBeDefined();
      command?.run(null);
    }
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
    session.commands.find((c) => c.id === first)?.run(null);
    const kept = JSON.parse(JSON.stringify(session.draft()));
    expect(open(name, kept).session.draft()).toEqual(session.draft());
  });
});
