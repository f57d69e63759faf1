import { defineKind } from "../session";
import { answerVerify, promptVerify, readVerify, startVerify, type VerifyState, type VerifyTask } from "./model";
import { mountVerify } from "./view";

export const verifyBox = defineKind<VerifyTask, VerifyState>({
  name: "verify_box",
  read: readVerify,
  prompt: promptVerify,
  start: startVerify,
  answer: answerVerify,
  mount: mountVerify,
});
