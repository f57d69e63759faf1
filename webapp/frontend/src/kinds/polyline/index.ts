import { defineKind } from "../session";
import type { PathTask } from "../shared/path_desk";
import { carryPath, type PathState, startPath } from "../shared/pathwork";
import { answerLine, promptLine, readLine } from "./model";
import { mountLine } from "./view";

export const polyline = defineKind<PathTask, PathState>({
  name: "polyline",
  read: readLine,
  prompt: promptLine,
  start: startPath,
  answer: answerLine,
  carry: carryPath,
  mount: mountLine,
});
