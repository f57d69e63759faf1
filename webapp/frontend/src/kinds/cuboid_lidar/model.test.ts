import { describe, expect, it } from "vitest";
import { project } from "../../canvas/camera";
import { nearFoot, type Solid } from "../../canvas/camera_cuboid";
import type { Cloud } from "../../canvas/cloud";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import { answerLidar, fitAt, type LidarTask, readLidar, startLidar } from "./model";

const CALIBRATION = {
  K: [
    [721.5, 0, 609.6],
    [0, 721.5, 172.9],
    [0, 0, 1],
  ],
  ground: { n: [0, 1, 0], d: 1.65 },
  T_cam_ego: [
    [0, -1, 0, 0],
    [0, 0, -1, -0.08],
    [1, 0, 0, -0.27],
    [0, 0, 0, 1],
  ],
};
const PROPOSAL = { type: "cuboid", center: [14, 3, -0.9], dims: [4.1, 1.7, 1.5], yaw: 0.3 };

function taskOf(extra: Record<string, unknown> = {}): LidarTask {
  const fields = payload("cuboid_lidar", {
    object: { id: 31, version: 2, xyxy: [387, 181, 487, 260], class: 0 },
    calibration: CALIBRATION,
    proposal: PROPOSAL,
    dims_prior: [3.9, 1.6, 1.5],
    cloud: { url: "/clouds/7.bin", count: 3, format: "float32 xyzi" },
    ...extra,
  });
  return readLidar(fields, readTask(fields));
}

describe("cuboid_lidar", () => {
  it("keeps the ego frame from proposal to answer", () => {
    const task = taskOf();
    expect(answerLidar(task, { ...startLidar(task), warned: true })).toEqual({
      value: { shape: PROPOSAL, deleted: false },
    });
    expect(answerLidar(task, { ...startLidar(task), deleted: true })).toEqual({
      value: { shape: null, deleted: true },
    });
  });

  it("begins below the box on the ground of the calibration, whose height the ego frame knows by its own", () => {
    const { rig, begin } = taskOf({ proposal: null });
    const foot = nearFoot(rig.camera, begin);
    expect(foot[2]).toBeCloseTo(-1.73);
    expect(project(rig.camera, foot)?.[0]).toBeCloseTo(437);
    expect(project(rig.camera, foot)?.[1]).toBeCloseTo(260);
  });

  it("works without a camera", () => {
    const task = taskOf({ calibration: null, proposal: null });
    expect(task.rig.sees).toBe(false);
    expect(task.begin.center).toEqual([10, 0, 0]);
    expect(task.rig.floor(task.begin)).toBeCloseTo(-0.75);
  });

  it("fits nothing where no points are", () => {
    const cloud: Cloud = { xyzi: new Float32Array([5, 5, 0, 1]), count: 1 };
    const before: Solid = { center: [0, 0, 0], dims: [4, 2, 1.5], yaw: 0 };
    expect(fitAt(cloud, [0, 0, 0], [4, 2, 1.5], before, [40, 0])).toBeNull();
    expect(fitAt(cloud, [0, 0, 0], [4, 2, 1.5], before, [5, 5])).toBeNull();
  });

  it("names the field that is broken", () => {
    const cloud = { url: "/clouds/7.bin", count: 3, format: "float32 xyzi" };
    expect(() => taskOf({ cloud: { ...cloud, format: "las" } })).toThrow(/cloud\.format: expected one of/);
    expect(() => taskOf({ cloud: { ...cloud, count: 0 } })).toThrow(/cloud\.count/);
    expect(() => taskOf({ calibration: { ...CALIBRATION, T_cam_ego: undefined } })).toThrow(/T_cam_ego/);
  });
});
