import { defineKind } from "../session";
import {
  answerFixMask,
  carryFixMask,
  type FixMaskState,
  type FixMaskTask,
  promptFixMask,
  readFixMask,
  startFixMask,
} from "./model";
import { mountFixMask } from "./view";

export const fixMask = defineKind<FixMaskTask, FixMaskState>({
  name: "fix_mask",
  read: readFixMask,
  prompt: promptFixMask,
  start: startFixMask,
  answer: answerFixMask,
  carry: carryFixMask,
  mount: mountFixMask,
});
