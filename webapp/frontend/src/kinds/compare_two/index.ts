import { defineKind } from "../session";
import { answerCompare, type CompareState, type CompareTask, promptCompare, readCompare, startCompare } from "./model";
import { mountCompare } from "./view";

export const compareTwo = defineKind<CompareTask, CompareState>({
  name: "compare_two",
  read: readCompare,
  prompt: promptCompare,
  start: startCompare,
  answer: answerCompare,
  mount: mountCompare,
});
