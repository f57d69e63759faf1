import { defineKind } from "../session";
import type { Task } from "../task";
import { answerTriage, promptTriage, readTriage, startTriage, type TriageState } from "./model";
import { mountTriage } from "./view";

export const triageScene = defineKind<Task, TriageState>({
  name: "triage_scene",
  read: readTriage,
  prompt: promptTriage,
  start: startTriage,
  answer: answerTriage,
  mount: mountTriage,
});
