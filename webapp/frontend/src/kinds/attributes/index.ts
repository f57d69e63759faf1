import { defineKind } from "../session";
import {
  type AttributesState,
  type AttributesTask,
  answerAttributes,
  carryAttributes,
  promptAttributes,
  readAttributes,
  startAttributes,
} from "./model";
import { mountAttributes } from "./view";

export const attributes = defineKind<AttributesTask, AttributesState>({
  name: "attributes",
  read: readAttributes,
  prompt: promptAttributes,
  start: startAttributes,
  answer: answerAttributes,
  carry: carryAttributes,
  mount: mountAttributes,
});
