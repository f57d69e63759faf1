import { defineKind } from "../session";
import { answerDraw, carryDraw, type DrawTask, type DrawTaskState, promptDraw, readDraw, startDraw } from "./model";
import { mountDraw } from "./view";

export const drawMissed = defineKind<DrawTask, DrawTaskState>({
  name: "draw_missed",
  read: readDraw,
  prompt: promptDraw,
  start: startDraw,
  answer: answerDraw,
  carry: carryDraw,
  mount: mountDraw,
});
