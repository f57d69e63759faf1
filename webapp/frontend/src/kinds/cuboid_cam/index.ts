import { defineKind } from "../session";
import type { CuboidWork } from "../shared/cuboidwork";
import { answerCuboidCam, type CuboidTask, carryCuboid, promptCuboid, readCuboidCam, startCuboidCam } from "./model";
import { mountCuboidCam } from "./view";

export const cuboidCam = defineKind<CuboidTask, CuboidWork>({
  name: "cuboid_cam",
  read: readCuboidCam,
  prompt: promptCuboid,
  start: startCuboidCam,
  answer: answerCuboidCam,
  carry: carryCuboid,
  mount: mountCuboidCam,
});
