import { defineKind } from "../session";
import { answerFix, carryFix, type FixState, type FixTask, promptFix, readFix, startFix } from "./model";
import { mountFix } from "./view";

export const fixBox = defineKind<FixTask, FixState>({
  name: "fix_box",
  read: readFix,
  prompt: promptFix,
  start: startFix,
  answer: answerFix,
  carry: carryFix,
  mount: mountFix,
});
