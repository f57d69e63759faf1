import { defineKind } from "../session";
import {
  answerCoverage,
  type CoverageState,
  type CoverageTask,
  carryCoverage,
  promptCoverage,
  readCoverage,
  startCoverage,
} from "./model";
import { mountCoverage } from "./view";

export const coverageTile = defineKind<CoverageTask, CoverageState>({
  name: "coverage_tile",
  read: readCoverage,
  prompt: promptCoverage,
  start: startCoverage,
  answer: answerCoverage,
  carry: carryCoverage,
  mount: mountCoverage,
});
