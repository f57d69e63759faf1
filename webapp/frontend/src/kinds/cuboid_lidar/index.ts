import { carryCuboid, promptCuboid } from "../cuboid_cam/model";
import { defineKind } from "../session";
import type { CuboidWork } from "../shared/cuboidwork";
import { fetchAhead } from "./clouds";
import { answerLidar, type LidarTask, readLidar, startLidar } from "./model";
import { mountLidar } from "./view";

export const cuboidLidar = defineKind<LidarTask, CuboidWork>({
  name: "cuboid_lidar",
  read: readLidar,
  ahead: (task) => fetchAhead(task.cloud),
  prompt: promptCuboid,
  start: startLidar,
  answer: answerLidar,
  carry: carryCuboid,
  mount: mountLidar,
});
