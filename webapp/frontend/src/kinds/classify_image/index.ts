import { defineKind } from "../session";
import {
  answerClassify,
  type ClassifyState,
  type ClassifyTask,
  carryClassify,
  promptClassify,
  readClassify,
  startClassify,
} from "./model";
import { mountClassify } from "./view";

export const classifyImage = defineKind<ClassifyTask, ClassifyState>({
  name: "classify_image",
  read: readClassify,
  prompt: promptClassify,
  start: startClassify,
  answer: answerClassify,
  carry: carryClassify,
  mount: mountClassify,
});
