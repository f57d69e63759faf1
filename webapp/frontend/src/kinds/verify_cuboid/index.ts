import { defineKind } from "../session";
import { answerVerdict, startVerdict, type VerdictState } from "../shared/verdicts";
import { promptVerifyCuboid, readVerifyCuboid, type VerifyCuboidTask } from "./model";
import { mountVerifyCuboid } from "./view";

export const verifyCuboid = defineKind<VerifyCuboidTask, VerdictState>({
  name: "verify_cuboid",
  read: readVerifyCuboid,
  prompt: promptVerifyCuboid,
  start: startVerdict,
  answer: answerVerdict,
  mount: mountVerifyCuboid,
});
