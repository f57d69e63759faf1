/** Payloads as docs/microtask-kinds.md describes them, for unit tests of the kinds. */

import type { JsonObject } from "../../feed/protocol";
import type { Fields } from "../../lib/parse";

/** A payload of a kind: the common part and what the kind adds. */
export function payload(kind: string, extra: JsonObject): Fields {
  return {
    kind,
    project: { id: 1, name: "Trees of Yellowstone" },
    schema: {
      version: 1,
      classes: [
        { id: 0, name: "tree", color: "#33bb66", key: "1" },
        { id: 1, name: "shrub", color: "#3366bb", key: "" },
      ],
    },
    guideline: { version: 1, url: "/projects/1/guideline/" },
    scene: { id: 7, width: 2472, height: 2299 },
    view: [1200, 400, 160, 160],
    media: [{ role: "focus", url: "/crops/a.webp", rect: [1200, 400, 160, 160], size: [640, 640] }],
    tolerance: 0.75,
    expected_s: 2,
    ...extra,
  };
}

export const OBJECT = { id: 31, version: 2, xyxy: [1230, 430, 1290, 500], class: 0 };
export const NEIGHBOUR = { id: 32, xyxy: [1300, 420, 1340, 470], class: 1 };
