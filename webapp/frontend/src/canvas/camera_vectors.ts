/** Vectors and rotations in three dimensions. Every function is pure; angles are radians. */

export type Vec3 = readonly [x: number, y: number, z: number];
/** Row by row. */
export type Mat3 = readonly [Vec3, Vec3, Vec3];

export function plus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function minus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function times(a: Vec3, s: number): Vec3 {
  return [a[0] * s, a[1] * s, a[2] * s];
}

export function dot3(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross3(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function apply(m: Mat3, v: Vec3): Vec3 {
  return [dot3(m[0], v), dot3(m[1], v), dot3(m[2], v)];
}

export function transposed(m: Mat3): Mat3 {
  return [
    [m[0][0], m[1][0], m[2][0]],
    [m[0][1], m[1][1], m[2][1]],
    [m[0][2], m[1][2], m[2][2]],
  ];
}

export function unit(v: Vec3): Vec3 {
  return times(v, 1 / Math.hypot(...v));
}

/** An angle moved by whole turns into [-π, π). */
export function wrapped(angle: number): number {
  const turn = 2 * Math.PI;
  return angle - turn * Math.floor((angle + Math.PI) / turn);
}

/** The smallest rotation that takes the unit vector `a` to the unit vector `b`; they must not be opposite. */
export function rotationBetween(a: Vec3, b: Vec3): Mat3 {
  const [x, y, z] = cross3(a, b);
  const c = dot3(a, b);
  const k = 1 / (1 + c);
  return [
    [c + k * x * x, k * x * y - z, k * x * z + y],
    [k * y * x + z, c + k * y * y, k * y * z - x],
    [k * z * x - y, k * z * y + x, c + k * z * z],
  ];
}
