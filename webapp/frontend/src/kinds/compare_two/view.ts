import { type Brush, INK, outline, toleranceRing } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded } from "../shared/looks";
import { shapePainter } from "../shared/outlines";
import { tintCommand, toleranceCommand } from "../shared/tools";
import { classOf } from "../task";
import { compareCommands } from "./keys";
import { type CompareState, type CompareTask, SIDES, type Side } from "./model";

const COLOR: Record<Side, string> = { A: INK.target, B: INK.rival };
const OTHER: Record<Side, Side> = { A: "B", B: "A" };

export function mountCompare(host: Host<CompareTask, CompareState>): KindView<CompareState> {
  const { task } = host;
  const drawn = task.candidates.A.shape !== null;
  const more = { shown: false }; // the tolerance around boxes, or the inside of what was drawn
  const paint: Record<Side, (brush: Brush, more: boolean) => void> = {
    A: candidatePainter(task, "A"),
    B: candidatePainter(task, "B"),
  };
  let swapped = false;

  const badges = new Map<Side, HTMLElement>();
  const pane = (side: Side): Stage => {
    const stage = new Stage({
      label: t(side === "A" ? "compare_two.a" : "compare_two.b"),
      focus: task.view,
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      paint(brush) {
        paint[swapped ? OTHER[side] : side](brush, more.shown);
      },
    });
    const badge = el("span", { class: "pane-badge", "data-side": side }, badgeText(task, side));
    badges.set(side, badge);
    stage.root.append(badge);
    return stage;
  };
  const [a, b] = [pane("A"), pane("B")];
  a.twin = b;
  b.twin = a;
  const request = (): void => {
    a.request();
    b.request();
  };
  const swap = (on: boolean): void => {
    swapped = on;
    for (const side of SIDES) {
      const shown = on ? OTHER[side] : side;
      const badge = badges.get(side);
      if (!badge) continue;
      badge.textContent = badgeText(task, shown);
      badge.dataset.side = shown;
    }
    request();
  };

  return {
    element: el("div", { class: "panes" }, a.root, b.root),
    stages: [a, b],
    commands: [
      ...compareCommands(host),
      drawn ? tintCommand(more, request) : toleranceCommand(more, request),
      flickerCommand(() => swapped, swap),
    ],
    render: request,
    destroy() {
      a.destroy();
      b.destroy();
    },
  };
}

/** A box, on request with its tolerance, or the shape that was drawn, on request filled. */
function candidatePainter(task: CompareTask, side: Side): (brush: Brush, more: boolean) => void {
  const { box, shape } = task.candidates[side];
  if (shape) return shapePainter(shape, COLOR[side]);
  return (brush, more) => {
    if (more) toleranceRing(brush, box, task.tolerance);
    outline(brush, [box], { color: COLOR[side], width: 2 });
  };
}

/** H shows each outline in the other's place: differences jump out where pictures alternate. */
function flickerCommand(swapped: () => boolean, swap: (on: boolean) => void): Command {
  return {
    id: "flicker",
    label: t("compare_two.flicker"),
    keys: ["KeyH"],
    place: "tools",
    icon: "swap",
    pressed: swapped,
    run: () => swap(true),
    release: () => swap(false),
  };
}

function badgeText(task: CompareTask, side: Side): string {
  const differ = task.candidates.A.label !== task.candidates.B.label;
  return differ ? `${side} · ${classOf(task, task.candidates[side].label).name}` : side;
}
