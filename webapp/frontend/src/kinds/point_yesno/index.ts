import { defineKind } from "../session";
import { answerPoint, type PointState, type PointTask, promptPoint, readPoint, startPoint } from "./model";
import { mountPoint } from "./view";

export const pointYesno = defineKind<PointTask, PointState>({
  name: "point_yesno",
  read: readPoint,
  prompt: promptPoint,
  start: startPoint,
  answer: answerPoint,
  mount: mountPoint,
});
