import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sendCommand, tintCommand } from "../shared/tools";
import { assign, clear, isDecided, isOpen, onward, type RegionState, type RegionTask, step, towards } from "./model";
import type { RegionView } from "./view";

type Desk = Host<RegionTask, RegionState>;

export function regionCommands(host: Desk, view: RegionView): Command[] {
  return [...sending(host), ...giving(host, view), ...walking(host, view)];
}

function sending(host: Desk): Command[] {
  return [
    sendCommand(() => {
      host.submit();
      host.amend(onward(host.task, host.state));
    }),
  ];
}

function giving(host: Desk, view: RegionView): Command[] {
  return [
    {
      id: "give",
      label: t("label_region.give"),
      keys: ["Space"],
      place: "none",
      run: () => view.give(host.state.label),
    },
    {
      id: "void",
      label: t("label_region.void"),
      hint: t("label_region.void_hint"),
      keys: ["KeyV"],
      place: "side",
      icon: "cross",
      enabled: () => isOpen(host.task, host.state.at),
      run: () => view.give(null),
    },
    {
      id: "clear",
      label: t("label_region.clear"),
      keys: ["Delete", "Backspace"],
      place: "side",
      icon: "clear",
      enabled: () => host.state.at !== null && isDecided(host.state, host.state.at),
      run() {
        if (host.state.at !== null) host.commit(clear(host.state, host.state.at));
      },
    },
    {
      id: "rest",
      label: t("label_region.rest"),
      keys: ["KeyQ"],
      place: "side",
      icon: "bucket",
      enabled: () => host.task.open.some((id) => !isDecided(host.state, id)),
      run() {
        const left = host.task.open.filter((id) => !isDecided(host.state, id));
        host.commit(assign(host.state, left, host.state.label));
      },
    },
    tintCommand(view.tint, () => view.stage.request()),
  ];
}

function walking(host: Desk, view: RegionView): Command[] {
  const walk = (next: RegionState): void => {
    view.byKey();
    host.amend(next);
  };
  return [
    {
      id: "next-segment",
      label: t("label_region.next"),
      keys: ["Period"],
      place: "none",
      repeats: true,
      run: () => walk(step(host.task, host.state, 1)),
    },
    {
      id: "previous-segment",
      label: t("label_region.previous"),
      keys: ["Comma"],
      place: "none",
      repeats: true,
      run: () => walk(step(host.task, host.state, -1)),
    },
    {
      id: "segment",
      label: t("label_region.move"),
      keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
      place: "none",
      repeats: true,
      run(chord) {
        const [dx, dy] = DIRECTIONS[chord ?? ""] ?? [0, 0];
        walk(towards(host.task, host.state, dx, dy));
      },
    },
  ];
}

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
