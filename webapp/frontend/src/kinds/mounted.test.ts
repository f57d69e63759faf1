import { vi } from "vitest";
import { type Asked, describeKinds } from "./testing/mounted";
import { NEIGHBOUR, OBJECT } from "./testing/payloads";

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

const ASKED: Asked = {
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

vi.stubGlobal("fetch", () => Promise.reject(new Error("no network here")));

describeKinds(ASKED);
