import { defineKind } from "../session";
import {
  answerKeypoints,
  carryKeypoints,
  type KeypointsState,
  type KeypointsTask,
  promptKeypoints,
  readSkeleton,
  startKeypoints,
} from "./model";
import { mountKeypoints } from "./view";

export const keypoints = defineKind<KeypointsTask, KeypointsState>({
  name: "keypoints",
  read: readSkeleton,
  prompt: promptKeypoints,
  start: startKeypoints,
  answer: answerKeypoints,
  carry: carryKeypoints,
  mount: mountKeypoints,
});
