/** The state that fix_polygon and polyline share, and the server's shapes of it. */

import { beginPath, type PathWork } from "../../canvas/path_work";
import type { Ring } from "../../canvas/rings";

export interface PathState extends PathWork {
  /** Nothing of this class is here. */
  readonly deleted: boolean;
}

export function startPath(task: { readonly proposal: readonly Ring[] }): PathState {
  return { ...beginPath(task.proposal), deleted: false };
}

/** Undo gives back the shape; cursor and pointer stay where they are. */
export function carryPath(left: PathState, back: PathState): PathState {
  return { ...back, cursor: back.open === null ? null : left.cursor, carrying: false, deleted: false };
}
