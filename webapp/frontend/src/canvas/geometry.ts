/** Boxes and rectangles in scene pixels: floats, origin at the top-left corner of the top-left pixel. */

export type Point = readonly [x: number, y: number];
/** `[x1, y1, x2, y2]` with x1 <= x2 and y1 <= y2. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];
/** `[x, y, width, height]`. */
export type Rect = readonly [x: number, y: number, w: number, h: number];

export const EDGES = ["left", "top", "right", "bottom"] as const;
export type Edge = (typeof EDGES)[number];
export const HANDLES = ["left", "top", "right", "bottom", "nw", "ne", "se", "sw"] as const;
export type Handle = (typeof HANDLES)[number];

const EDGE_INDEX: Record<Edge, 0 | 1 | 2 | 3> = { left: 0, top: 1, right: 2, bottom: 3 };
const HANDLE_EDGES: Record<Handle, readonly Edge[]> = {
  left: ["left"],
  top: ["top"],
  right: ["right"],
  bottom: ["bottom"],
  nw: ["left", "top"],
  ne: ["right", "top"],
  se: ["right", "bottom"],
  sw: ["left", "bottom"],
};

/** Sides below this, in scene pixels, are slips of the hand; the server refuses empty boxes. */
export const MIN_SIDE = 1;

export function boxOf(a: Point, b: Point): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

/** The smallest box around the points; null for none. */
export function boxAround(points: readonly Point[]): Box | null {
  if (points.length === 0) return null;
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function rectOfBox(box: Box): Rect {
  return [box[0], box[1], box[2] - box[0], box[3] - box[1]];
}

export function boxOfRect(rect: Rect): Box {
  return [rect[0], rect[1], rect[0] + rect[2], rect[1] + rect[3]];
}

export function center(box: Box): Point {
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

export function sides(box: Box): { w: number; h: number } {
  return { w: box[2] - box[0], h: box[3] - box[1] };
}

export function isDrawable(box: Box): boolean {
  const { w, h } = sides(box);
  return w >= MIN_SIDE && h >= MIN_SIDE;
}

export function area(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

export function iou(a: Box, b: Box): number {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const inter = Math.max(0, w) * Math.max(0, h);
  const union = area(a) + area(b) - inter;
  return union > 0 ? inter / union : 0;
}

export function clampPoint(p: Point, bounds: Box): Point {
  return [clamp(p[0], bounds[0], bounds[2]), clamp(p[1], bounds[1], bounds[3])];
}

export function clampBox(box: Box, bounds: Box): Box {
  const [x1, y1] = clampPoint([box[0], box[1]], bounds);
  const [x2, y2] = clampPoint([box[2], box[3]], bounds);
  return [x1, y1, x2, y2];
}

export function containsPoint(box: Box, p: Point): boolean {
  return p[0] >= box[0] && p[0] <= box[2] && p[1] >= box[1] && p[1] <= box[3];
}

/** Move a box without changing its size, stopping at the bounds. */
export function moveBox(box: Box, dx: number, dy: number, bounds: Box): Box {
  const mx = clamp(dx, bounds[0] - box[0], bounds[2] - box[2]);
  const my = clamp(dy, bounds[1] - box[1], bounds[3] - box[3]);
  return [box[0] + mx, box[1] + my, box[2] + mx, box[3] + my];
}

/** Put one edge at a coordinate; it never passes the opposite edge or the bounds. */
export function withEdge(box: Box, edge: Edge, value: number, bounds: Box): Box {
  const [x1, y1, x2, y2] = box;
  switch (edge) {
    case "left":
      return [clamp(value, bounds[0], x2 - MIN_SIDE), y1, x2, y2];
    case "top":
      return [x1, clamp(value, bounds[1], y2 - MIN_SIDE), x2, y2];
    case "right":
      return [x1, y1, clamp(value, x1 + MIN_SIDE, bounds[2]), y2];
    case "bottom":
      return [x1, y1, x2, clamp(value, y1 + MIN_SIDE, bounds[3])];
  }
}

export function edgeValue(box: Box, edge: Edge): number {
  return box[EDGE_INDEX[edge]];
}

/** Drag a handle (an edge or a corner) to a point. */
export function withHandle(box: Box, handle: Handle, to: Point, bounds: Box): Box {
  return HANDLE_EDGES[handle].reduce<Box>(
    (b, edge) => withEdge(b, edge, edge === "left" || edge === "right" ? to[0] : to[1], bounds),
    box,
  );
}

export function handlePoint(box: Box, handle: Handle): Point {
  const [cx, cy] = center(box);
  const names = HANDLE_EDGES[handle];
  const x = names.includes("left") ? box[0] : names.includes("right") ? box[2] : cx;
  const y = names.includes("top") ? box[1] : names.includes("bottom") ? box[3] : cy;
  return [x, y];
}

/** The edge whose line segment lies nearest to the point and within `reach`; null when none does. */
export function nearestEdge(box: Box, p: Point, reach: number): Edge | null {
  let best: Edge | null = null;
  let least = reach;
  for (const edge of EDGES) {
    const d = distanceToEdge(box, edge, p);
    if (d <= least) {
      best = edge;
      least = d;
    }
  }
  return best;
}

function distanceToEdge(box: Box, edge: Edge, p: Point): number {
  const upright = edge === "left" || edge === "right";
  const across = upright ? p[0] - edgeValue(box, edge) : p[1] - edgeValue(box, edge);
  const along = upright ? p[1] - clamp(p[1], box[1], box[3]) : p[0] - clamp(p[0], box[0], box[2]);
  return Math.hypot(across, along);
}

/**
 * The boxes that lie at exactly `tolerance` IoU from `box` when all four edges move by one distance:
 * `inner` by shrinking, `outer` by growing. An outline whose edges all lie between them is within tolerance.
 */
export function toleranceBand(box: Box, tolerance: number): { inner: Box; outer: Box } {
  const { w, h } = sides(box);
  const t = clamp(tolerance, 0.05, 1);
  const s = w + h;
  // (w - 2d)(h - 2d) = t w h   and   (w + 2d)(h + 2d) = w h / t, solved for d >= 0.
  const shrink = (s - Math.sqrt(s * s - 4 * w * h * (1 - t))) / 4;
  const grow = (Math.sqrt(s * s + 4 * w * h * (1 / t - 1)) - s) / 4;
  return { inner: grown(box, -shrink), outer: grown(box, grow) };
}

export function grown(box: Box, d: number): Box {
  return [box[0] - d, box[1] - d, box[2] + d, box[3] + d];
}

/** Hundredths of a pixel are plenty, and they keep answers short. */
export function rounded<T extends readonly number[]>(values: T): T {
  return values.map((v) => Math.round(v * 100) / 100) as unknown as T;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
