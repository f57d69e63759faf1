import { ARROW_CHORDS, type Arrow, arrowOf, moveCursor, nudged } from "../../canvas/arrows";
import type { Stage } from "../../canvas/stage";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sendCommand } from "../shared/tools";
import { shownBounds } from "../task";
import {
  confirm,
  confirmRest,
  current,
  goTo,
  guess,
  isFinished,
  type KeypointsState,
  type KeypointsTask,
  markAbsent,
  moveJoint,
  pairs,
  placeOf,
  put,
  swapSides,
  toggleHidden,
} from "./model";

type Desk = Host<KeypointsTask, KeypointsState>;

export function keypointsCommands(host: Desk, stage: () => Stage): Command[] {
  return [...sending(host), ...judging(host), ...walking(host), steering(host, stage)];
}

function sending(host: Desk): Command[] {
  const { task } = host;
  return [
    {
      id: "ok",
      label: t("keypoints.ok"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      run() {
        const { cursor } = host.state;
        const next = cursor ? put(task, host.state, cursor) : confirm(task, host.state);
        if (next) host.commit(next);
        else host.say(t("keypoints.place_first", { joint: current(task, host.state).label }));
      },
    },
    sendCommand(() => {
      host.submit();
      const open = task.joints.findIndex((j) => !host.state.done.includes(j.name));
      if (open >= 0) host.amend(goTo(task, host.state, open));
    }),
    {
      id: "rest",
      label: t("keypoints.rest"),
      keys: ["KeyQ"],
      place: "side",
      icon: "check",
      guarded: true,
      enabled: () => !isFinished(task, host.state) && confirmRest(task, host.state) !== null,
      run() {
        const next = confirmRest(task, host.state);
        if (next) host.commit(next);
      },
    },
  ];
}

function judging(host: Desk): Command[] {
  const { task } = host;
  const placed = (): boolean => placeOf(host.state, current(task, host.state).name) !== null;
  return [
    {
      id: "hidden",
      label: t("keypoints.hidden"),
      hint: t("keypoints.hidden_hint"),
      keys: ["KeyO"],
      place: "side",
      icon: "hidden_joint",
      enabled: placed,
      whyNot: t("keypoints.hidden_first"),
      pressed: () => host.state.points[current(task, host.state).name]?.v === 1,
      run() {
        const next = toggleHidden(task, host.state);
        if (next) host.commit(next);
      },
    },
    {
      id: "absent",
      label: t("keypoints.absent"),
      hint: t("keypoints.absent_hint"),
      keys: ["Digit0", "Numpad0"],
      place: "side",
      icon: "cross",
      pressed: () => host.state.points[current(task, host.state).name]?.v === 0,
      run: () => host.commit(markAbsent(task, host.state)),
    },
    {
      id: "swap",
      label: t("keypoints.swap"),
      keys: ["KeyW"],
      place: "side",
      icon: "swap",
      enabled: () => pairs(task.joints).length > 0 && Object.keys(host.state.points).length > 0,
      run: () => host.commit(swapSides(task, host.state)),
    },
  ];
}

function walking(host: Desk): Command[] {
  const step = (by: 1 | -1): void => host.amend(goTo(host.task, host.state, host.state.at + by));
  return [
    {
      id: "next-joint",
      label: t("keypoints.next"),
      keys: ["Period"],
      place: "none",
      repeats: true,
      run: () => step(1),
    },
    {
      id: "previous-joint",
      label: t("keypoints.previous"),
      keys: ["Comma", "Backspace"],
      place: "none",
      repeats: true,
      run: () => step(-1),
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      enabled: () => host.state.cursor !== null,
      run: () => host.amend({ ...host.state, cursor: null }),
    },
  ];
}

function steering(host: Desk, stage: () => Stage): Command {
  return {
    id: "nudge",
    label: t("key.joint"),
    keys: ARROW_CHORDS,
    place: "none",
    repeats: true,
    run(chord) {
      const arrow = arrowOf(chord);
      if (arrow) steer(host, arrow, stage());
    },
  };
}

/** A joint that has a place moves a little; one without gets a cursor, which Space confirms. */
function steer(host: Desk, arrow: Arrow, stage: Stage): void {
  const { task, state } = host;
  const place = placeOf(state, current(task, state).name);
  if (place && !state.cursor) host.commit(moveJoint(task, state, state.at, nudged(place, arrow, stage.view)));
  else {
    const cursor = moveCursor(state.cursor, arrow, stage.view, shownBounds(task), guess(task, state));
    host.amend({ ...state, cursor });
  }
}
