import { defineKind } from "../session";
import { answerName, carryName, type NameState, type NameTask, promptName, readName, startName } from "./model";
import { mountName } from "./view";

export const nameUnknown = defineKind<NameTask, NameState>({
  name: "name_unknown",
  read: readName,
  prompt: promptName,
  start: startName,
  answer: answerName,
  carry: carryName,
  mount: mountName,
});
