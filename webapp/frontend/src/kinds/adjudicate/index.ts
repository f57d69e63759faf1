import { defineKind } from "../session";
import {
  type AdjudicateState,
  type AdjudicateTask,
  answerAdjudicate,
  carryAdjudicate,
  promptAdjudicate,
  readAdjudicate,
  startAdjudicate,
} from "./model";
import { mountAdjudicate } from "./view";

export const adjudicate = defineKind<AdjudicateTask, AdjudicateState>({
  name: "adjudicate",
  read: readAdjudicate,
  prompt: promptAdjudicate,
  start: startAdjudicate,
  answer: answerAdjudicate,
  carry: carryAdjudicate,
  mount: mountAdjudicate,
});
