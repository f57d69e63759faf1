import { ARROW_CHORDS, arrowOf, moveCursor } from "../../canvas/arrows";
import { center } from "../../canvas/geometry";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { nothingCommand, sendCommand, tintCommand } from "../shared/tools";
import {
  type FixMaskState,
  type FixMaskTask,
  paintAlong,
  paints,
  resize,
  startFixMask,
  type Tool,
  useTool,
  withoutHoles,
} from "./model";
import type { FixMaskView } from "./view";

type Desk = Host<FixMaskTask, FixMaskState>;

const KEYS: Readonly<Record<Tool, string>> = { brush: "KeyB", eraser: "KeyE", add: "KeyP", remove: "KeyM" };

export function fixMaskCommands(host: Desk, view: FixMaskView): Command[] {
  return [...sending(host, view), ...tools(host), ...changes(host, view), ...cursor(host, view)];
}

function sending(host: Desk, view: FixMaskView): Command[] {
  return [
    sendCommand(() => {
      if (view.busy) host.say(t("fix_mask.waiting"));
      else host.submit();
    }),
    nothingCommand(t("fix_mask.nothing"), () => host.submit({ ...host.state, deleted: true })),
  ];
}

function tools(host: Desk): Command[] {
  const offered: Tool[] = host.task.refiner ? ["add", "remove", "brush", "eraser"] : ["brush", "eraser"];
  return offered.map((tool) => ({
    id: `tool-${tool}`,
    label: t(`fix_mask.tool_${tool}`),
    keys: [KEYS[tool]],
    place: "side",
    icon: `mask_${tool}`,
    pressed: () => host.state.tool === tool,
    run: () => host.amend(useTool(host.state, tool)),
  }));
}

function changes(host: Desk, view: FixMaskView): Command[] {
  const size = (id: string, label: string, key: string, by: 1 | -1): Command => ({
    id,
    label,
    keys: [key],
    place: "side",
    icon: by > 0 ? "plus" : "minus",
    repeats: true,
    enabled: () => paints(host.state.tool),
    run: () => host.amend(resize(host.state, by, host.task.pane)),
  });
  return [
    size("smaller", t("fix_mask.smaller"), "BracketLeft", -1),
    size("larger", t("fix_mask.larger"), "BracketRight", 1),
    {
      id: "holes",
      label: t("fix_mask.holes"),
      keys: ["KeyL"],
      place: "side",
      icon: "bucket",
      enabled: () => host.state.mask !== null,
      run() {
        const next = withoutHoles(host.task, host.state);
        if (next) host.commit(next);
        else host.say(t("fix_mask.no_holes"));
      },
    },
    {
      id: "reset",
      label: t("fix_box.reset"),
      keys: ["KeyA"],
      place: "tools",
      icon: "clear",
      enabled: () => host.state.mask !== host.task.proposal,
      run: () => host.commit({ ...host.state, ...keepHand(host), mask: startFixMask(host.task).mask, clicks: [] }),
    },
    tintCommand(view.tint, () => view.stage.request()),
  ];
}

function keepHand(host: Desk): Pick<FixMaskState, "tool" | "radius"> {
  return { tool: host.state.tool, radius: host.state.radius };
}

function cursor(host: Desk, view: FixMaskView): Command[] {
  const { task } = host;
  return [
    {
      id: "cursor",
      label: t("fix_mask.cursor"),
      keys: ARROW_CHORDS,
      place: "none",
      repeats: true,
      run(chord) {
        const arrow = arrowOf(chord);
        if (!arrow) return;
        const from = host.state.cursor;
        const bounds = [task.pane.x, task.pane.y, task.pane.x + task.pane.w, task.pane.y + task.pane.h] as const;
        const to = moveCursor(from, arrow, view.stage.view, bounds, center(task.object.box));
        if (from && host.state.down) host.commit({ ...paintAlong(task, host.state, from, to), cursor: to });
        else host.amend({ ...host.state, cursor: to });
      },
    },
    {
      id: "drop",
      label: t("fix_mask.drop"),
      keys: ["Space"],
      place: "none",
      run() {
        const at = host.state.cursor;
        if (!at) host.amend({ ...host.state, cursor: center(task.object.box) });
        else if (!paints(host.state.tool)) view.click(at, host.state.tool);
        else if (host.state.down) host.amend({ ...host.state, down: false });
        else host.commit({ ...paintAlong(task, host.state, at, at), down: true });
      },
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      enabled: () => host.state.cursor !== null,
      run: () => host.amend({ ...host.state, ...(host.state.down ? {} : { cursor: null }), down: false }),
    },
  ];
}
