import { defineKind } from "../session";
import { answerMerge, type MergeState, type MergeTask, promptMerge, readMerge, startMerge } from "./model";
import { mountMerge } from "./view";

export const mergeDuplicates = defineKind<MergeTask, MergeState>({
  name: "merge_duplicates",
  read: readMerge,
  prompt: promptMerge,
  start: startMerge,
  answer: answerMerge,
  mount: mountMerge,
});
