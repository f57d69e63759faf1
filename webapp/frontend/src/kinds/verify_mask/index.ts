import { defineKind } from "../session";
import { answerVerdict, startVerdict, type VerdictState } from "../shared/verdicts";
import { promptVerifyMask, readVerifyMask, type VerifyMaskTask } from "./model";
import { mountVerifyMask } from "./view";

export const verifyMask = defineKind<VerifyMaskTask, VerdictState>({
  name: "verify_mask",
  read: readVerifyMask,
  prompt: promptVerifyMask,
  start: startVerdict,
  answer: answerVerdict,
  mount: mountVerifyMask,
});
