/** What the keys and buttons do to an outline or a line. */

import { ARROW_CHORDS, type Arrow, arrowOf, moveCursor, nudged } from "../../canvas/arrows";
import { clampPoint, type Point } from "../../canvas/geometry";
import {
  abandon,
  beginHole,
  choose,
  moveVertex,
  redraw,
  resume,
  sameRings,
  split,
  takeBack,
  thinned,
  walk,
} from "../../canvas/path_work";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import { shownBounds } from "../task";
import type { PathDesk, PathTask } from "./path_desk";
import { type PathState, startPath } from "./pathwork";
import { nothingCommand, sendCommand } from "./tools";

type Desk = PathDesk<PathTask, PathState>;

export interface PathCommands {
  /** While something is being drawn. */
  readonly drawing: readonly Command[];
  /** While vertices are chosen and moved. */
  readonly editing: readonly Command[];
}

export function pathCommands(desk: Desk): PathCommands {
  const both = [...moving(desk), ...looks(desk)];
  return {
    drawing: [...ending(desk), ...points(desk), ...both],
    editing: [...sending(desk), ...redrawing(desk), ...vertices(desk), ...both],
  };
}

const chosen = (desk: Desk): boolean => desk.host.state.at !== null;

function sending(desk: Desk): Command[] {
  const { host } = desk;
  return [sendCommand(() => host.submit()), nothing(desk)];
}

/** Enter first closes what is being drawn, so that one sees what one sends. */
function ending(desk: Desk): Command[] {
  return [
    sendCommand(() => void desk.finish(), {
      label: desk.rules.closed ? t("path.close") : t("path.end"),
      icon: desk.rules.closed ? "hole" : "check",
    }),
    nothing(desk),
  ];
}

function nothing({ host }: Desk): Command {
  return nothingCommand(t("path.nothing"), () => host.submit({ ...host.state, deleted: true }));
}

function redrawing(desk: Desk): Command[] {
  const { host, rules } = desk;
  return [
    {
      id: rules.closed ? "hole" : "continue",
      label: rules.closed ? t("path.hole") : t("path.continue"),
      keys: ["KeyN"],
      place: "tools",
      icon: rules.closed ? "hole" : "continue",
      run: () => host.commit(rules.closed ? beginHole(host.state) : resume(host.state)),
    },
    {
      id: "redraw",
      label: t("path.redraw"),
      keys: ["KeyE"],
      place: "tools",
      icon: "pen",
      run: () => host.commit(redraw(host.state)),
    },
    {
      id: "thin",
      label: t("path.thin"),
      keys: ["KeyT"],
      place: "tools",
      icon: "thin",
      run() {
        const next = thinned(host.state, rules);
        if (next) host.commit(next);
        else host.say(t("path.thin_enough"));
      },
    },
    reset(desk),
  ];
}

function reset({ host }: Desk): Command {
  return {
    id: "reset",
    label: t("fix_box.reset"),
    keys: ["KeyA"],
    place: "tools",
    icon: "clear",
    enabled: () => !sameRings(host.state.rings, host.task.proposal) || (host.state.open?.length ?? 0) > 0,
    run: () => host.commit(startPath(host.task)),
  };
}

function points(desk: Desk): Command[] {
  const { host } = desk;
  const begun = (): boolean => (host.state.open?.length ?? 0) > 0;
  return [
    {
      id: "drop",
      label: t("path.drop"),
      keys: ["Space"],
      place: "none",
      run() {
        if (host.state.cursor) desk.put(desk.snapped(host.state.cursor, false));
        else host.amend({ ...host.state, cursor: desk.cursorStart() });
      },
    },
    {
      id: "take-back",
      label: t("path.take_back"),
      keys: ["Backspace", "Delete"],
      place: "side",
      icon: "undo",
      enabled: begun,
      run: () => host.commit(takeBack(host.state)),
    },
    {
      id: "back",
      label: t("path.leave"),
      keys: ["Escape"],
      place: "side",
      icon: "clear",
      enabled: () => begun() || host.state.rings.length > 0,
      run: () => host.commit(abandon(host.state)),
    },
    reset(desk),
  ];
}

function vertices(desk: Desk): Command[] {
  const { host, rules } = desk;
  return [
    {
      id: "next-vertex",
      label: t("path.next"),
      keys: ["Period"],
      place: "side",
      icon: "next",
      repeats: true,
      run: () => host.amend(walk(host.state, 1)),
    },
    {
      id: "previous-vertex",
      label: t("path.previous"),
      keys: ["Comma"],
      place: "side",
      icon: "back",
      repeats: true,
      run: () => host.amend(walk(host.state, -1)),
    },
    {
      id: "split",
      label: t("path.split"),
      keys: ["KeyM", "Insert"],
      place: "side",
      icon: "vertex_add",
      enabled: () => chosen(desk),
      run: () => host.commit(split(host.state, rules)),
    },
    {
      id: "carry",
      label: t("path.carry"),
      keys: ["KeyC"],
      place: "side",
      icon: "whole",
      enabled: () => chosen(desk),
      pressed: () => host.state.carrying,
      run: () => host.amend({ ...host.state, carrying: !host.state.carrying }),
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      enabled: () => chosen(desk),
      run: () => host.amend(host.state.carrying ? { ...host.state, carrying: false } : choose(host.state, null)),
    },
    {
      id: "delete",
      label: t("path.delete"),
      keys: ["Delete", "Backspace"],
      place: "side",
      icon: "trash",
      enabled: () => chosen(desk),
      run() {
        if (host.state.at) desk.remove(host.state.at);
      },
    },
  ];
}

function moving(desk: Desk): Command[] {
  return [
    {
      id: "nudge",
      label: t("key.path"),
      keys: ARROW_CHORDS,
      place: "none",
      repeats: true,
      run(chord) {
        const arrow = arrowOf(chord);
        if (arrow) steer(desk, arrow);
      },
    },
  ];
}

function steer(desk: Desk, arrow: Arrow): void {
  const { host, rules, stage } = desk;
  if (host.state.open !== null) {
    const bounds = shownBounds(host.task);
    const cursor = moveCursor(host.state.cursor, arrow, stage.view, bounds, desk.cursorStart());
    host.amend({ ...host.state, cursor });
    return;
  }
  const at = desk.chosen();
  if (at && host.state.at) {
    const to = clampPoint(nudged(at, arrow, stage.view), rules.bounds);
    host.commit(moveVertex(host.state, host.state.at, to, rules));
  } else host.amend(outermost(host.state, arrow));
}

/** The vertex that lies furthest in the arrow's direction. */
function outermost(state: PathState, arrow: Arrow): PathState {
  const reach = (p: Point): number => p[0] * arrow.dx + p[1] * arrow.dy;
  const all = state.rings.flatMap((ring, r) => ring.map((p, index) => ({ p, vertex: { ring: r, index } })));
  const [first, ...rest] = all;
  if (!first) return state;
  return choose(state, rest.reduce((best, v) => (reach(v.p) > reach(best.p) ? v : best), first).vertex);
}

function looks(desk: Desk): Command[] {
  const toggle = (id: string, label: string, key: string, icon: string, what: "snapping" | "filled"): Command => ({
    id,
    label,
    keys: [key],
    place: "tools",
    icon,
    pressed: () => desk[what],
    run() {
      desk[what] = !desk[what];
      desk.stage.request();
    },
  });
  const snap = toggle("snap", t("path.snap"), "KeyS", "magnet", "snapping");
  return desk.rules.closed ? [snap, toggle("fill", t("path.fill"), "KeyD", "fill", "filled")] : [snap];
}
