import { boxOfRect, type Point } from "../../canvas/geometry";
import { type Brush, cross, crosshair, dimOutside, INK, outline, pin } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { el, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { ClassPicker } from "../shared/class_picker";
import { decoded, paintKnown } from "../shared/looks";
import { classOf, shownBounds } from "../task";
import { coverageCommands } from "./keys";
import { type CoverageState, type CoverageTask, clickAt, markAt, removePin } from "./model";

const PIN_REACH_PX = 14;
const PIN_COLOR = "#ff9d3b"; // when there is one class only: unlike any outline

export function mountCoverage(host: Host<CoverageTask, CoverageState>): KindView<CoverageState> {
  const { task } = host;
  const press = (p: Point): void => {
    if (!host.armed()) return;
    if (host.state.marking) {
      host.commit(markAt(task, host.state, p));
      return;
    }
    const next = clickAt(task, host.state, p, stage.reach(PIN_REACH_PX));
    if (next === "outside") host.say(t("coverage_tile.outside"));
    else if (next === "full") host.say(t("coverage_tile.full"));
    else host.commit(next);
  };
  const stage: Stage = new Stage({
    label: t("coverage_tile.prompt_many"),
    focus: task.view,
    cursor: "crosshair",
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint: (brush) => paint(brush, task, host.state),
    tool: { click: (p) => press(p.scene) },
  });
  const commands = coverageCommands(host, { stage, press });
  const picker = new ClassPicker(
    task.asked,
    () => host.state.label,
    (label) => host.amend({ ...host.state, label }),
  );
  const pins = pinPanel(host);
  return {
    element: stage.root,
    side: el("div", { class: "side-stack" }, picker.element, pins.element),
    stages: [stage],
    commands: [...commands, ...picker.commands],
    render(state) {
      picker.render();
      pins.render(state);
      stage.root.style.cursor = state.marking ? "pointer" : "crosshair";
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}

function pinPanel(host: Host<CoverageTask, CoverageState>): {
  element: HTMLElement;
  render(state: CoverageState): void;
} {
  const { task } = host;
  const list = el("ol", { class: "pin-list" });
  const empty = el("p", { class: "note" }, t("coverage_tile.pins_empty"));
  const known = el("p", { class: "note quiet at-end" });
  const element = el("section", { class: "side-section" }, el("h2", {}, t("coverage_tile.pins")), empty, list, known);
  return {
    element,
    render(state) {
      setAll(empty, { hidden: state.pins.length > 0 });
      const buttons = state.pins.map((p, index) =>
        el(
          "li",
          {},
          el(
            "button",
            {
              type: "button",
              class: "pin-chip",
              style: `--swatch: ${pinColor(task, p.label)}`,
              title: `${t("coverage_tile.remove", { n: index + 1 })} · ${classOf(task, p.label).name}`,
              "aria-label": t("coverage_tile.remove", { n: index + 1 }),
              onclick: () => host.commit(removePin(host.state, index)),
            },
            String(index + 1),
          ),
        ),
      );
      list.replaceChildren(...buttons);
      const marked = state.bad.length > 0 ? ` · ${t("coverage_tile.marked", { n: state.bad.length })}` : "";
      setText(known, t("coverage_tile.outlined", { n: task.objects.length }) + marked);
    },
  };
}

function paint(brush: Brush, task: CoverageTask, state: CoverageState): void {
  paintKnown(brush, task, task.objects);
  const bad = task.objects.filter((o) => state.bad.includes(o.id));
  outline(
    brush,
    bad.map((o) => o.box),
    { color: INK.bad, width: 2 },
  );
  for (const o of bad) cross(brush, o.box, INK.bad);
  dimOutside(brush, task.core, shownBounds(task), 0.6);
  outline(brush, [insideOf(task)], { color: "#ffffff", width: 1, dash: [2, 5], alpha: 0.7 });
  if (state.cursor) crosshair(brush, state.cursor);
  state.pins.forEach((p, index) => {
    pin(brush, p.xy, String(index + 1), pinColor(task, p.label), false);
  });
}

/** The core's border, as far as it is inside the view. */
function insideOf(task: CoverageTask): CoverageTask["core"] {
  const view = boxOfRect(task.view);
  return [
    Math.max(task.core[0], view[0]),
    Math.max(task.core[1], view[1]),
    Math.min(task.core[2], view[2]),
    Math.min(task.core[3], view[3]),
  ];
}

function pinColor(task: CoverageTask, label: number): string {
  return task.asked.length > 1 ? classOf(task, label).color : PIN_COLOR;
}
