import { describe, expect, it } from "vitest";
import { project } from "../../canvas/camera";
import type { Host } from "../session";
import { answerVerdict, startVerdict, type VerdictState } from "../shared/verdicts";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import { verifyCuboidCommands } from "./keys";
import { promptVerifyCuboid, readVerifyCuboid, type VerifyCuboidTask } from "./model";

const K = [
  [700, 0, 600],
  [0, 700, 180],
  [0, 0, 1],
];
const GROUND = { n: [0, 1, 0], d: 1.65 };
const CAMERA_SHAPE = { type: "cuboid", center: [2, 0.9, 20], dims: [4, 1.7, 1.5], yaw: -Math.PI / 2 };
/** Ego axes forward, left, up to camera axes right, down, forward; the camera 1.65 m above the ego's origin. */
const T_CAM_EGO = [
  [0, -1, 0, 0],
  [0, 0, -1, 1.65],
  [1, 0, 0, 0],
  [0, 0, 0, 1],
];
const EGO_SHAPE = { type: "cuboid", center: [20, -2, 0.75], dims: [4, 1.7, 1.5], yaw: 0 };

const CLOUD = { cloud: { url: "/clouds/1", count: 1, format: "float32 xyzi" } };

function taskOf(shape: object, calibration: object | null, more: object = {}): VerifyCuboidTask {
  const fields = payload("verify_cuboid", { object: OBJECT, shape, calibration, ...more });
  return readVerifyCuboid(fields, readTask(fields));
}

describe("verify_cuboid", () => {
  const task = taskOf(CAMERA_SHAPE, { K, ground: GROUND });

  it("asks about the object's class", () => {
    expect(promptVerifyCuboid(task)).toBe("Does the box fit this tree: place, size and front?");
  });

  it("shows the same cuboid whether it comes in the camera's frame or in the ego frame", () => {
    const ego = taskOf(EGO_SHAPE, { K, ground: GROUND, T_cam_ego: T_CAM_EGO }, CLOUD);
    expect(project(ego.rig.camera, ego.solid.center)).toEqual(project(task.rig.camera, task.solid.center));
    expect(ego.solid.yaw).toBeCloseTo(task.solid.yaw);
  });

  it("reads what was drawn through the camera in its frame, also where the way to the ego frame is known", () => {
    const seen = taskOf(CAMERA_SHAPE, { K, ground: GROUND, T_cam_ego: T_CAM_EGO });
    expect(project(seen.rig.camera, seen.solid.center)).toEqual(project(task.rig.camera, task.solid.center));
  });

  it("shows what was drawn in a cloud without any calibration", () => {
    expect(taskOf(EGO_SHAPE, null, CLOUD).solid.center).toEqual([20, -2, 0.75]);
  });

  it("answers with a verdict and never with edges", () => {
    const sent: VerdictState[] = [];
    const host = { task, state: startVerdict(), submit: (s: VerdictState) => sent.push(s) } as unknown as Host<
      VerifyCuboidTask,
      VerdictState
    >;
    const commands = verifyCuboidCommands(host);
    expect(answerVerdict(task, startVerdict())).toHaveProperty("missing");
    for (const id of ["ok", "reason-geometry", "reason-duplicate"]) commands.find((c) => c.id === id)?.run(null);
    expect(sent.map((state) => answerVerdict(task, state))).toEqual(
      ["ok", "geometry", "duplicate"].map((verdict) => ({ value: { verdict } })),
    );
  });

  it("names the field that is broken", () => {
    expect(() => taskOf({ ...CAMERA_SHAPE, type: "box" }, { K, ground: GROUND })).toThrow(
      /shape\.type: expected one of/,
    );
    expect(() => taskOf(EGO_SHAPE, { K, T_cam_ego: [[1]] }, CLOUD)).toThrow(/calibration\.T_cam_ego/);
    expect(() => taskOf(CAMERA_SHAPE, { K })).toThrow(/calibration\.ground/);
  });
});
