import { defineKind } from "../session";
import {
  answerRegion,
  carryRegion,
  promptRegion,
  type RegionState,
  type RegionTask,
  readRegion,
  startRegion,
} from "./model";
import { mountRegion } from "./view";

export const labelRegion = defineKind<RegionTask, RegionState>({
  name: "label_region",
  read: readRegion,
  prompt: promptRegion,
  start: startRegion,
  answer: answerRegion,
  carry: carryRegion,
  mount: mountRegion,
});
