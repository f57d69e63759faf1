import { defineKind } from "../session";
import type { PathTask } from "../shared/path_desk";
import { carryPath, type PathState, startPath } from "../shared/pathwork";
import { answerFixPolygon, promptFixPolygon, readFixPolygon } from "./model";
import { mountFixPolygon } from "./view";

export const fixPolygon = defineKind<PathTask, PathState>({
  name: "fix_polygon",
  read: readFixPolygon,
  prompt: promptFixPolygon,
  start: startPath,
  answer: answerFixPolygon,
  carry: carryPath,
  mount: mountFixPolygon,
});
