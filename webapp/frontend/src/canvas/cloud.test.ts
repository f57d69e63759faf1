import { describe, expect, it } from "vitest";
import type { Solid } from "./camera_cuboid";
import type { Vec3 } from "./camera_vectors";
import { type Cloud, clusterAt, fitted, floorAround, pointsIn, readCloud } from "./cloud";
import { colorsOf } from "./cloud_colors";
import { EDGES_OF, FACES, faceMoved, fromPane, inPane, middleOf, outOf, viewOf } from "./cloud_views";

function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const random = numbers(3);
const between = (low: number, high: number): number => low + (high - low) * random();
const EYE: Vec3 = [0, 0, 0];
const FLOOR = -1.7;
const USUAL: Vec3 = [4.2, 1.8, 1.5];

function cloudOf(points: readonly Vec3[]): Cloud {
  return { xyzi: new Float32Array(points.flatMap((p) => [...p, 0.5])), count: points.length };
}

/** The two sides of a car that the sensor sees, with a little noise, on a flat ground. */
function scanned(car: Solid): Vec3[] {
  const [l, w, h] = car.dims;
  const [cos, sin] = [Math.cos(car.yaw), Math.sin(car.yaw)];
  const toEye = [-(cos * car.center[0] + sin * car.center[1]), -(cos * car.center[1] - sin * car.center[0])] as const;
  const points: Vec3[] = [];
  const add = (u: number, v: number): void => {
    const z = car.center[2] + between(-h / 2 + 0.3, h / 2);
    const [nu, nv] = [u + between(-0.02, 0.02), v + between(-0.02, 0.02)];
    points.push([car.center[0] + cos * nu - sin * nv, car.center[1] + sin * nu + cos * nv, z]);
  };
  for (let n = 0; n < 150; n++) {
    add(between(-l / 2, l / 2), (Math.sign(toEye[1]) * w) / 2);
    add((Math.sign(toEye[0]) * l) / 2, between(-w / 2, w / 2));
  }
  // What is seen through the windows, and a mirror.
  for (let n = 0; n < 80; n++) add(between(-l / 2, l / 2) * 0.8, between(-w / 2, w / 2) * 0.8);
  add(l / 4, Math.sign(toEye[1]) * (w / 2 + 0.15));
  for (let n = 0; n < 500; n++)
    points.push([car.center[0] + between(-9, 9), car.center[1] + between(-9, 9), FLOOR + between(-0.03, 0.03)]);
  return points;
}

function anyCar(): Solid {
  return {
    center: [between(8, 30), between(4, 12), FLOOR + 0.75],
    dims: [between(3.6, 4.8), between(1.6, 2), 1.5],
    yaw: between(-Math.PI, Math.PI),
  };
}

describe("a cloud", () => {
  it("is read from float32 and refused when it is too short", () => {
    const buffer = new Float32Array([1, 2, 3, 0.5, 4, 5, 6, 0.1]).buffer;
    expect([...readCloud(buffer, 2).xyzi.slice(4, 7)]).toEqual([4, 5, 6]);
    expect(() => readCloud(buffer, 3)).toThrow(/cloud: 32 bytes, 48 expected/);
  });

  it("counts what lies inside a turned cuboid", () => {
    const s: Solid = { center: [10, 0, 0], dims: [4, 2, 1], yaw: Math.PI / 2 };
    const cloud = cloudOf([
      [10, 1.9, 0],
      [11.2, 0, 0],
      [10.9, 0, 0.4],
      [10, 0, 0.6],
    ]);
    expect(pointsIn(cloud, s)).toEqual([0, 2]);
  });

  it("knows the ground around a place, and none where nothing is", () => {
    expect(floorAround(cloudOf(scanned(anyCar())), 500, 500)).toBeNull();
    const car = anyCar();
    expect(floorAround(cloudOf(scanned(car)), car.center[0], car.center[1])).toBeCloseTo(FLOOR, 1);
  });

  it("keeps a neighbour out of a cluster", () => {
    const car: Solid = { center: [15, 6, FLOOR + 0.75], dims: USUAL, yaw: 0 };
    const other: Solid = { ...car, center: [15, 9.5, FLOOR + 0.75] };
    const points = clusterAt(cloudOf([...scanned(car), ...scanned(other)]), 15, 5.1, FLOOR);
    expect(points.length).toBeGreaterThan(200);
    expect(Math.max(...points.map((p) => p[1]))).toBeLessThan(7.5);
    expect(clusterAt(cloudOf(scanned(car)), 15, 40, FLOOR)).toEqual([]);
  });

  it("fits the car from one click, from whatever side it was seen", () => {
    for (let n = 0; n < 60; n++) {
      const car = anyCar();
      const cloud = cloudOf(scanned(car));
      const before = { ...car, yaw: car.yaw + between(-0.7, 0.7) };
      const cluster = clusterAt(cloud, car.center[0], car.center[1], FLOOR);
      const fit = fitted(cluster, EYE, FLOOR, car.dims, before);
      if (!fit) throw new Error("nothing was fitted");
      expect(Math.abs(Math.sin(fit.yaw - car.yaw))).toBeLessThan(0.1);
      expect(Math.cos(fit.yaw - car.yaw)).toBeGreaterThan(0);
      expect(Math.hypot(fit.center[0] - car.center[0], fit.center[1] - car.center[1])).toBeLessThan(0.25);
      expect(fit.center[2] - fit.dims[2] / 2).toBeCloseTo(FLOOR);
    }
  });

  it("fits nothing to four points", () => {
    expect(fitted([EYE, EYE, EYE, EYE], EYE, FLOOR, USUAL, anyCar())).toBeNull();
  });

  it("is coloured by height, and bright inside the cuboid", () => {
    const cloud = cloudOf([
      [0, 0, FLOOR],
      [0, 0, FLOOR + 2.9],
      [0, 0, FLOOR],
    ]);
    const colors = colorsOf(cloud, [2], FLOOR);
    expect(colors[2]).toBeGreaterThan(colors[0] as number);
    expect(colors[3]).toBeGreaterThan(colors[5] as number);
    expect([...colors.slice(6)].map((v) => Number(v.toFixed(2)))).toEqual([1, 0.75, 0.2]);
  });
});

describe("the three views", () => {
  const size = { w: 400, h: 300 };

  it("lead from a place of the pane to the cloud and back", () => {
    for (let n = 0; n < 60; n++)
      for (const name of ["top", "side", "rear"] as const) {
        const view = viewOf(name, anyCar(), size, between(0.5, 3));
        const [u, v] = inPane(view, size, fromPane(view, size, [123, 45]));
        expect(u).toBeCloseTo(123);
        expect(v).toBeCloseTo(45);
      }
  });

  it("show the whole cuboid, its front up or to the right", () => {
    for (let n = 0; n < 60; n++) {
      const car = anyCar();
      const side = viewOf("side", car, size, 1);
      const rear = viewOf("rear", car, size, 1);
      const at = (view: typeof side, face: (typeof FACES)[number]) => inPane(view, size, middleOf(car, face));
      expect(at(side, "front")[0]).toBeGreaterThan(at(side, "back")[0]);
      expect(at(rear, "right")[0]).toBeGreaterThan(at(rear, "left")[0]);
      expect(at(side, "top")[1]).toBeLessThan(at(side, "bottom")[1]);
      for (const name of ["top", "side", "rear"] as const)
        for (const face of EDGES_OF[name]) {
          const [u, v] = inPane(viewOf(name, car, size, 1), size, middleOf(car, face));
          expect(Math.min(u, v, size.w - u, size.h - v)).toBeGreaterThan(20);
        }
    }
    const ahead: Solid = { center: [20, 0, 0], dims: USUAL, yaw: 0 };
    expect(inPane(viewOf("top", ahead, size, 1), size, middleOf(ahead, "front"))[1]).toBeLessThan(150);
  });

  it("move one face and keep the opposite one", () => {
    const opposite = {
      front: "back",
      back: "front",
      left: "right",
      right: "left",
      top: "bottom",
      bottom: "top",
    } as const;
    for (const face of FACES) {
      const car = anyCar();
      const next = faceMoved(car, face, 0.4);
      middleOf(car, opposite[face]).forEach((v, i) => {
        expect(middleOf(next, opposite[face])[i]).toBeCloseTo(v);
      });
      const out = outOf(car, face);
      const moved = middleOf(next, face).map((v, i) => v - (middleOf(car, face)[i] as number));
      expect(moved.reduce((sum, v, i) => sum + v * (out[i] as number), 0)).toBeCloseTo(0.4);
      expect(Math.min(...faceMoved(car, face, -50).dims)).toBeCloseTo(0.1);
    }
  });
});
