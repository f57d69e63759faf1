import { ARROW_CHORDS, arrowOf, moveCursor } from "../../canvas/arrows";
import { center } from "../../canvas/geometry";
import type { Stage } from "../../canvas/stage";
import { quarter } from "../../canvas/transform";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sendCommand } from "../shared/tools";
import { type CoverageState, type CoverageTask, clearPins } from "./model";

export interface CoverageHands {
  readonly stage: Stage;
  /** Do what a click does at this place. */
  press(p: readonly [number, number]): void;
}

export function coverageCommands(host: Host<CoverageTask, CoverageState>, hands: CoverageHands): Command[] {
  const { task } = host;
  let part = -1;
  return [
    {
      id: "complete",
      label: t("coverage_tile.complete"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      whyNot: t("coverage_tile.has_pins"),
      enabled: () => host.state.pins.length === 0,
      run() {
        host.amend({ ...host.state, said: "nothing" });
        host.submit();
      },
    },
    sendCommand(
      () => {
        host.amend({ ...host.state, said: "pins" });
        host.submit();
      },
      { whyNot: t("coverage_tile.none_yet"), enabled: () => host.state.pins.length > 0 },
    ),
    {
      id: "mark",
      label: t("coverage_tile.mark"),
      keys: ["KeyB"],
      place: "tools",
      icon: "mark",
      enabled: () => task.objects.length > 0,
      pressed: () => host.state.marking,
      run() {
        host.amend({ ...host.state, marking: !host.state.marking });
        if (host.state.marking) host.say(t("coverage_tile.mark_on"));
      },
    },
    {
      id: "quarter",
      label: t("coverage_tile.quarter"),
      keys: ["KeyV"],
      place: "tools",
      icon: "quarter",
      run() {
        part = part === 3 ? -1 : part + 1;
        hands.stage.fitTo(part < 0 ? null : quarter(task.view, part));
        host.zoomed();
      },
    },
    {
      id: "clear",
      label: t("coverage_tile.clear"),
      keys: ["KeyA"],
      place: "tools",
      icon: "clear",
      enabled: () => host.state.pins.length > 0,
      run: () => host.commit(clearPins(host.state)),
    },
    {
      id: "cursor",
      label: t("key.cursor"),
      keys: ARROW_CHORDS,
      place: "none",
      repeats: true,
      run(chord) {
        const arrow = arrowOf(chord);
        if (!arrow) return;
        const cursor = moveCursor(host.state.cursor, arrow, hands.stage.view, task.core, center(task.core));
        host.amend({ ...host.state, cursor });
      },
    },
    {
      id: "drop",
      label: t("coverage_tile.drop"),
      keys: ["KeyP", "Insert"],
      place: "none",
      run() {
        if (host.state.cursor) hands.press(host.state.cursor);
        else host.amend({ ...host.state, cursor: center(task.core) });
      },
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      run: () => host.amend({ ...host.state, marking: false, cursor: null }),
    },
  ];
}
