import { describe, expect, it } from "vitest";
import { arrowOf } from "../../canvas/arrows";
import { project } from "../../canvas/camera";
import { nearFoot, type Solid } from "../../canvas/camera_cuboid";
import { deeper, nudged, pointed, pointedFromAbove, sameSolid, turnedBy, withDims } from "../shared/cuboidwork";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import { answerCuboidCam, type CuboidTask, carryCuboid, promptCuboid, readCuboidCam, startCuboidCam } from "./model";

const CALIBRATION = {
  K: [
    [721.5, 0, 609.6],
    [0, 721.5, 172.9],
    [0, 0, 1],
  ],
  ground: { n: [0, 1, 0], d: 1.65 },
};
const OBJECT = { id: 31, version: 2, xyxy: [387, 181, 487, 260], class: 0 };
const PROPOSAL = { type: "cuboid", center: [-3.2, 0.9, 14.4], dims: [4.1, 1.7, 1.5], yaw: 1.2 };

function taskOf(extra: Record<string, unknown> = {}): CuboidTask {
  const fields = payload("cuboid_cam", {
    object: OBJECT,
    calibration: CALIBRATION,
    proposal: PROPOSAL,
    dims_prior: [3.9, 1.6, 1.5],
    ...extra,
  });
  return readCuboidCam(fields, readTask(fields));
}

const task = taskOf();
const start = startCuboidCam(task);
const changed = (solid: Solid) => answerCuboidCam(task, { ...start, solid });

describe("cuboid_cam", () => {
  it("begins with the proposal, and sends it as it came once it is said to be right", () => {
    expect(promptCuboid(task)).toContain("tree");
    expect(answerCuboidCam(task, start)).toHaveProperty("missing");
    const same = answerCuboidCam(task, { ...start, warned: true });
    expect(same).toEqual({ value: { shape: PROPOSAL, deleted: false } });
  });

  it("begins below the box where nothing is proposed", () => {
    const guess = taskOf({ proposal: null });
    const foot = project(guess.rig.camera, nearFoot(guess.rig.camera, guess.begin));
    expect(foot?.[0]).toBeCloseTo(437);
    expect(foot?.[1]).toBeCloseTo(260);
    expect(guess.begin.dims).toEqual([3.9, 1.6, 1.5]);
  });

  it("has no shape exactly when nothing is there", () => {
    expect(answerCuboidCam(task, { ...start, deleted: true })).toEqual({ value: { shape: null, deleted: true } });
  });

  it("puts the near foot where the picture is clicked, and knows no ground in the sky", () => {
    const placed = pointed(task.rig, start, [500, 240])?.solid;
    if (!placed) throw new Error("the click has no ground");
    const foot = project(task.rig.camera, nearFoot(task.rig.camera, placed));
    expect(foot?.[0]).toBeCloseTo(500);
    expect(foot?.[1]).toBeCloseTo(240);
    expect(pointed(task.rig, start, [500, 100])).toBeNull();
    expect(changed(placed)).toHaveProperty("value.deleted", false);
  });

  it("stands along two clicks, from its back to its front", () => {
    const first = pointed(task.rig, { ...start, tool: "heading" }, [440, 262]);
    expect(first?.solid).toBe(start.solid);
    if (!first) throw new Error("the click has no ground");
    expect(answerCuboidCam(task, first)).toHaveProperty("missing");
    const second = pointed(task.rig, first, [520, 262]);
    // Both feet are as far away as each other: it stands across the line of sight, its front to the right.
    expect(second?.solid.yaw).toBeCloseTo(-Math.PI / 2);
    expect(second?.back).toBeNull();
    expect(pointed(task.rig, first, [440.2, 262])).toBeNull();
  });

  it("grows to a click on its top", () => {
    const tall = pointed(task.rig, { ...start, tool: "top" }, [437, 120]);
    expect(tall?.solid.dims[2]).toBeGreaterThan(start.solid.dims[2]);
    expect(pointed(task.rig, { ...start, tool: "top" }, [437, 300])).toBeNull();
  });

  it("moves, turns, sinks into the depth and takes the usual size by keys", () => {
    const arrow = arrowOf("Shift+ArrowUp");
    if (!arrow) throw new Error("no arrow");
    const moved = nudged(task.rig, start.solid, arrow);
    expect(Math.hypot(moved.center[0] - start.solid.center[0], moved.center[1] - start.solid.center[1])).toBeCloseTo(
      0.5,
    );
    expect(sameSolid(turnedBy(turnedBy(start.solid, 180), 180), start.solid)).toBe(true);
    const far = deeper(task.rig, start.solid, 5);
    const [was, is] = [start.solid, far].map((s) => project(task.rig.camera, s.center));
    expect(is?.[0]).toBeCloseTo(was?.[0] ?? 0);
    expect(withDims([0, 0, 1.65], far, task.usual).dims.map((d) => Number(d.toFixed(6)))).toEqual([3.9, 1.6, 1.5]);
  });

  it("places the middle by a click from above, keeping its height", () => {
    const placed = pointedFromAbove(task.rig, start, [20, 1]);
    expect(placed.solid.center).toEqual([20, 1, start.solid.center[2]]);
    const first = pointedFromAbove(task.rig, { ...start, tool: "heading" }, [15, 2]);
    const second = pointedFromAbove(task.rig, first, [19, 2]);
    expect(second.solid.yaw).toBeCloseTo(0);
    expect(second.solid.center[1]).toBeCloseTo(2 + start.solid.dims[1] / 2);
  });

  it("keeps the tool through undo", () => {
    expect(carryCuboid({ ...start, tool: "top", back: [9, 0, 0], deleted: true }, start)).toEqual({
      ...start,
      tool: "top",
    });
  });

  it("names the field that is broken", () => {
    expect(() => taskOf({ calibration: { ...CALIBRATION, K: [[1, 2, 3]] } })).toThrow(/calibration\.K/);
    expect(() => taskOf({ calibration: { ...CALIBRATION, ground: { n: [0, 1, 0], d: 0 } } })).toThrow(/ground/);
    expect(() => taskOf({ proposal: { ...PROPOSAL, dims: [4, 0, 1] } })).toThrow(/proposal\.dims/);
    expect(() => taskOf({ dims_prior: [4, 2] })).toThrow(/dims_prior: expected 3 numbers/);
  });

  it("takes a ground whose normal points up or has another length", () => {
    const other = taskOf({ calibration: { ...CALIBRATION, ground: { n: [0, -2, 0], d: -3.3 } } });
    expect(sameSolid(other.begin, task.begin)).toBe(true);
  });
});
