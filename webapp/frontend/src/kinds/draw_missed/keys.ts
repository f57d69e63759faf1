import { ARROW_CHORDS, arrowOf, moveCursor } from "../../canvas/arrows";
import { center } from "../../canvas/geometry";
import type { Stage } from "../../canvas/stage";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sendCommand } from "../shared/tools";
import { shownBounds } from "../task";
import { type DrawTask, type DrawTaskState, draw, isDrawing, MAX_BOXES, remove, select, setMode } from "./model";

export function drawCommands(host: Host<DrawTask, DrawTaskState>, stage: () => Stage): Command[] {
  return [...sending(host), ...shaping(host), ...cursor(host, stage)];
}

function sending(host: Host<DrawTask, DrawTaskState>): Command[] {
  return [
    sendCommand(() => host.submit(), { whyNot: t("draw_missed.none_yet"), enabled: () => host.state.boxes.length > 0 }),
    {
      id: "none",
      label: t("draw_missed.none"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      guarded: true,
      whyNot: t("draw_missed.has_boxes"),
      enabled: () => host.state.boxes.length === 0,
      run() {
        host.amend({ ...draw(host.task, host.state, { type: "cancel" }), none: true });
        host.submit();
      },
    },
  ];
}

function shaping(host: Host<DrawTask, DrawTaskState>): Command[] {
  return [
    {
      id: "mode",
      label: t("draw_missed.mode_extreme"),
      keys: ["KeyE"],
      place: "tools",
      icon: "extreme",
      pressed: () => host.state.mode === "extreme",
      run: () => host.amend(setMode(host.state, host.state.mode === "extreme" ? "corners" : "extreme")),
    },
    {
      id: "new",
      label: t("draw_missed.new"),
      keys: ["KeyN"],
      place: "side",
      icon: "plus",
      enabled: () => host.state.selected !== null,
      run: () => host.amend(select(host.state, null)),
    },
    {
      id: "delete",
      label: t("draw_missed.delete"),
      keys: ["Delete", "Backspace"],
      place: "side",
      icon: "trash",
      enabled: () => host.state.selected !== null,
      run() {
        if (host.state.selected !== null) host.commit(remove(host.state, host.state.selected));
      },
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      run() {
        const idle = isDrawing(host.state) ? draw(host.task, host.state, { type: "cancel" }) : select(host.state, null);
        host.amend({ ...idle, cursor: null });
      },
    },
  ];
}

function cursor(host: Host<DrawTask, DrawTaskState>, stage: () => Stage): Command[] {
  const start = (): readonly [number, number] => host.task.seed ?? center(shownBounds(host.task));
  return [
    {
      id: "cursor",
      label: t("key.cursor"),
      keys: ARROW_CHORDS,
      place: "none",
      repeats: true,
      run(chord) {
        const arrow = arrowOf(chord);
        if (!arrow) return;
        const cursor = moveCursor(host.state.cursor, arrow, stage().view, shownBounds(host.task), start());
        host.amend({ ...draw(host.task, host.state, { type: "move", p: cursor }), cursor });
      },
    },
    {
      id: "drop",
      label: t("draw_missed.drop"),
      keys: ["Space"],
      place: "none",
      run() {
        const p = host.state.cursor ?? start();
        if (!host.state.cursor) return host.amend({ ...host.state, cursor: p });
        if (host.state.boxes.length >= MAX_BOXES) return host.say(t("draw_missed.full"));
        const next = draw(host.task, host.state, { type: "drop", p });
        if (next.boxes.length > host.state.boxes.length) host.commit(next);
        else host.amend(next);
      },
    },
  ];
}
