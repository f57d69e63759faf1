import { describe, expect, it } from "vitest";
import {
  type Camera,
  cameraAbove,
  eyeOf,
  fromCamera,
  groundHeight,
  lift,
  project,
  projectLine,
  ray,
  toCamera,
} from "./camera";
import {
  atDepth,
  boxInPicture,
  cornersOf,
  firstGuess,
  heightAt,
  levelled,
  metresPerPixel,
  movedFrom,
  nearFoot,
  resized,
  type Solid,
  standAlong,
  standAt,
  turned,
  unlevelled,
} from "./camera_cuboid";
import {
  apply,
  cross3,
  dot3,
  type Mat3,
  minus,
  rotationBetween,
  transposed,
  unit,
  type Vec3,
  wrapped,
} from "./camera_vectors";

function pinhole(f: number, cx: number, cy: number): Mat3 {
  return [
    [f, 0, cx],
    [0, f, cy],
    [0, 0, 1],
  ];
}

/** A repeatable stream of numbers in [0, 1): a failing case fails again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const random = numbers(7);
const between = (low: number, high: number): number => low + (high - low) * random();
const TIMES = 200;

function anyCamera(): Camera {
  const k: Mat3 = [
    [between(500, 1500), between(-2, 2), between(500, 900)],
    [0, between(500, 1500), between(150, 500)],
    [0, 0, 1],
  ];
  // Pitched and rolled by up to eight degrees.
  return cameraAbove(k, { n: unit([between(-0.14, 0.14), 1, between(-0.14, 0.14)]), d: between(1, 4) });
}

function anySolid(): Solid {
  return {
    center: [between(8, 60), between(-8, 8), between(0.4, 2)],
    dims: [between(0.4, 12), between(0.4, 3), between(0.5, 4)],
    yaw: between(-Math.PI, Math.PI),
  };
}

function repeat(check: () => void): void {
  for (let n = 0; n < TIMES; n++) check();
}

function near(got: readonly number[] | null, wanted: readonly number[], digits = 6): void {
  expect(got).not.toBeNull();
  wanted.forEach((v, i) => {
    expect(got?.[i]).toBeCloseTo(v, digits);
  });
}

describe("rotations", () => {
  it("take one direction to the other and keep lengths and angles", () => {
    repeat(() => {
      const [a, b] = [
        unit([between(-1, 1), between(0.1, 1), between(-1, 1)]),
        unit([between(-1, 1), between(0.1, 1), 0.3]),
      ];
      const m = rotationBetween(a, b);
      near(apply(m, a), b);
      near(apply(transposed(m), apply(m, [1, 2, 3])), [1, 2, 3]);
      // What is at right angles to both stays where it is: no needless turn.
      const axis = cross3(a, b);
      near(apply(m, axis), axis);
    });
  });

  it("bring angles into one turn", () => {
    expect(wrapped(Math.PI)).toBeCloseTo(-Math.PI);
    expect(wrapped(-3.5 * Math.PI)).toBeCloseTo(0.5 * Math.PI);
    expect(wrapped(0.25)).toBeCloseTo(0.25);
  });
});

describe("a camera above its ground", () => {
  it("stands above the origin at its height, with the ground at height zero", () => {
    repeat(() => {
      const height = between(1, 4);
      const ground = { n: unit([between(-0.14, 0.14), 1, between(-0.14, 0.14)]), d: height };
      const camera = cameraAbove(pinhole(700, 600, 180), ground);
      near(eyeOf(camera), [0, 0, height]);
      near([groundHeight(camera, ground, [between(0, 50), between(-9, 9), 3])], [0]);
      const p: Vec3 = [between(-50, 50), between(-50, 50), 0];
      expect(dot3(ground.n, toCamera(camera, p))).toBeCloseTo(ground.d);
      near(fromCamera(camera, toCamera(camera, p)), p);
    });
  });

  it("sees a point of the ground where lifting leads back to it", () => {
    repeat(() => {
      const camera = anyCamera();
      const p: Vec3 = [between(6, 80), between(-10, 10), 0];
      const pixel = project(camera, p);
      if (pixel) near(lift(camera, pixel), p, 4);
    });
  });

  it("looks along a ray on which every point is seen at its pixel", () => {
    repeat(() => {
      const camera = anyCamera();
      const pixel = [between(0, 1400), between(0, 600)] as const;
      const [eye, d, s] = [eyeOf(camera), ray(camera, pixel), between(1, 90)];
      near(project(camera, [eye[0] + d[0] * s, eye[1] + d[1] * s, eye[2] + d[2] * s]), pixel, 4);
    });
  });

  it("lifts nothing from the sky, the horizon, or beyond the farthest", () => {
    const camera = cameraAbove(pinhole(700, 600, 180), { n: [0, 1, 0], d: 1.65 });
    expect(lift(camera, [600, 100])).toBeNull();
    expect(lift(camera, [600, 180])).toBeNull();
    expect(lift(camera, [600, 182], 0, 300)).toBeNull();
    expect(lift(camera, [600, 182], 0, 600)?.[0]).toBeCloseTo(577.5);
  });

  it("sees nothing behind itself, and cuts lines that pass it", () => {
    const camera = cameraAbove(pinhole(700, 600, 180), { n: [0, 1, 0], d: 1.65 });
    expect(project(camera, [-5, 0, 1])).toBeNull();
    expect(projectLine(camera, [-5, 0, 1], [-2, 0, 1])).toBeNull();
    const line = projectLine(camera, [10, 0, 0], [-10, 0, 0]);
    near(line?.[0] ?? null, [600, 180 + (700 * 1.65) / 10]);
    near(line?.[1] ?? null, [600, 180 + (700 * 1.65) / 0.1]);
  });

  it("agrees with a frame of KITTI by hand: rotation_y -1.56 looks away from the camera", () => {
    const camera = cameraAbove(pinhole(721.5377, 609.5593, 172.854), { n: [0, 1, 0], d: 1.65 });
    // The truck of frame 000001: bottom middle (0.47, 1.49, 69.44), 12.34 × 2.63 × 2.85 m, seen at 599.41, 156.40 …
    const truck = { center: [0.47, 1.49 - 2.85 / 2, 69.44], dims: [12.34, 2.63, 2.85], yaw: -1.56 } as const;
    const solid = levelled(camera, truck);
    expect(Math.cos(solid.yaw)).toBeCloseTo(1, 3);
    const box = boxInPicture(camera, solid);
    [599.41, 156.4, 629.75, 189.25].forEach((edge, i) => {
      expect(Math.abs((box?.[i] ?? 0) - edge)).toBeLessThan(3);
    });
  });
});

describe("cuboids", () => {
  it("come back from the level place as they went in, with the same corners", () => {
    repeat(() => {
      const camera = anyCamera();
      const cuboid = {
        center: [between(-9, 9), between(0, 2), between(5, 70)],
        dims: [4, 2, 1.5],
        yaw: between(-3, 3),
      } as const;
      const back = unlevelled(camera, levelled(camera, cuboid));
      near(back.center, cuboid.center);
      near([back.yaw], [cuboid.yaw]);
    });
  });

  it("stand with their near foot where it was clicked, whatever their heading", () => {
    repeat(() => {
      const camera = anyCamera();
      const foot: Vec3 = [between(8, 60), between(-9, 9), 0];
      const s = standAt(camera, anySolid(), foot);
      near(nearFoot(camera, s), foot);
      // The foot lies on the outline of the bottom.
      const [dx, dy] = minus(foot, s.center);
      const along = Math.abs(Math.cos(s.yaw) * dx + Math.sin(s.yaw) * dy) / s.dims[0];
      const across = Math.abs(-Math.sin(s.yaw) * dx + Math.cos(s.yaw) * dy) / s.dims[1];
      expect(Math.max(along, across)).toBeCloseTo(0.5);
    });
  });

  it("stand with the side that is seen on a line from back to front", () => {
    repeat(() => {
      const camera = anyCamera();
      const [back, front]: Vec3[] = [0, 0].map((): Vec3 => [between(8, 40), between(-9, 9), 0]);
      if (!back || !front) return;
      const s = standAlong(eyeOf(camera), anySolid(), back, front);
      if (!s) return;
      expect(Math.cos(s.yaw - Math.atan2(front[1] - back[1], front[0] - back[0]))).toBeCloseTo(1);
      const across = (p: Vec3): number =>
        Math.cos(s.yaw) * (p[1] - s.center[1]) - Math.sin(s.yaw) * (p[0] - s.center[0]);
      // Both lie on one side, and it is the one that faces the camera.
      expect(Math.abs(across(back))).toBeCloseTo(s.dims[1] / 2);
      expect(across(front)).toBeCloseTo(across(back));
      expect(Math.sign(across(eyeOf(camera)))).toBe(Math.sign(across(back)));
      expect(bottomHeight(s)).toBeCloseTo(0);
    });
    expect(standAlong([0, 0, 2], anySolid(), [9, 0, 0], [9.1, 0, 0])).toBeNull();
  });

  it("look the same at any depth along the ray", () => {
    repeat(() => {
      const camera = anyCamera();
      const s = anySolid();
      const moved = atDepth(camera, s, between(0.8, 1.3));
      cornersOf(s).forEach((corner, i) => {
        const [was, is] = [project(camera, corner), project(camera, cornersOf(moved)[i] as Vec3)];
        if (was && is) near(is, was, 3);
      });
    });
  });

  it("reach up to the pixel of their top edge", () => {
    repeat(() => {
      const camera = anyCamera();
      const s = anySolid();
      const top = project(camera, [s.center[0], s.center[1], s.center[2] + s.dims[2] / 2]);
      if (top) near([heightAt(camera, s, top) ?? 0], [s.dims[2]], 4);
    });
  });

  it("keep what is near the camera and what stands on the ground when they are resized", () => {
    repeat(() => {
      const camera = anyCamera();
      const s = anySolid();
      const eye = eyeOf(camera);
      for (const side of [0, 1, 2] as const) {
        const next = resized(eye, s, side, between(0.3, 9));
        expect(bottomHeight(next)).toBeCloseTo(bottomHeight(s));
        if (side === 2) continue;
        const axis = side === 0 ? s.yaw : s.yaw + Math.PI / 2;
        const far = (x: Solid, sign: number): number =>
          Math.cos(axis) * x.center[0] + Math.sin(axis) * x.center[1] + (sign * x.dims[side]) / 2;
        const toEye = Math.cos(axis) * (eye[0] - s.center[0]) + Math.sin(axis) * (eye[1] - s.center[1]) >= 0 ? 1 : -1;
        expect(far(next, toEye)).toBeCloseTo(far(s, toEye));
      }
    });
  });

  it("move away and to the right as the camera sees it", () => {
    repeat(() => {
      const camera = anyCamera();
      const s = anySolid();
      const eye = eyeOf(camera);
      const reach = (x: Solid): number => Math.hypot(x.center[0] - eye[0], x.center[1] - eye[1]);
      expect(reach(movedFrom(camera, s, 1, 0)) - reach(s)).toBeCloseTo(1);
      const [was, is] = [project(camera, s.center), project(camera, movedFrom(camera, s, 0, 1).center)];
      if (was && is) expect(is[0]).toBeGreaterThan(was[0]);
    });
  });

  it("turn by an angle and come round again", () => {
    const s = anySolid();
    expect(turned(turned(s, Math.PI), Math.PI).yaw).toBeCloseTo(s.yaw);
  });

  it("begin below the box, and at a believable distance where the box ends above the horizon", () => {
    const camera = cameraAbove(pinhole(720, 610, 173), { n: [0, 1, 0], d: 1.65 });
    const s = firstGuess(camera, [387, 181, 424, 203], [3.69, 1.87, 1.67]);
    near(project(camera, nearFoot(camera, s)), [405.5, 203], 3);
    expect(bottomHeight(s)).toBeCloseTo(0);
    const balloon = firstGuess(camera, [387, 100, 424, 120], [4, 2, 2]);
    expect(balloon.center[0]).toBeGreaterThan(70);
    expect(balloon.center[0]).toBeLessThan(80);
  });

  it("are worth more metres a pixel the farther they stand", () => {
    const camera = cameraAbove(pinhole(1266, 610, 173), { n: [0, 1, 0], d: 1.5 });
    const at = (x: number): number =>
      metresPerPixel(camera, standAt(camera, { center: [0, 0, 0], dims: [4, 2, 1.5], yaw: 0 }, [x, 0, 0])) ?? 0;
    expect(at(10)).toBeCloseTo(0.05, 2);
    expect(at(30)).toBeCloseTo(0.48, 1);
    expect(at(50)).toBeCloseTo(1.35, 1);
  });
});

function bottomHeight(s: Solid): number {
  return s.center[2] - s.dims[2] / 2;
}
