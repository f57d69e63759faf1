import type { StagePointer } from "../../canvas/gestures";
import { type Brush, crosshair } from "../../canvas/painter";
import { Stage, type StageTool } from "../../canvas/stage";
import { el, keepFocus, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { keypointsCommands } from "./keys";
import { letterOf, paintSkeleton } from "./looks";
import { current, goTo, type KeypointsState, type KeypointsTask, moveJoint, placeOf, put } from "./model";

const REACH_PX = 13;
const TOUCH_REACH_PX = 24;

export function mountKeypoints(host: Host<KeypointsTask, KeypointsState>): KindView<KeypointsState> {
  return new KeypointsView(host);
}

class KeypointsView implements KindView<KeypointsState> {
  readonly element: HTMLElement;
  readonly side: HTMLElement;
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  private readonly stage: Stage;
  private readonly actions = new CommandGroup("row", "stack");
  private readonly rows: readonly { row: HTMLElement; mark: HTMLElement }[];
  private readonly progress = el("p", { class: "path-status", role: "status" });
  private gripped: number | null = null;
  private live: KeypointsState | null = null;

  constructor(private readonly host: Host<KeypointsTask, KeypointsState>) {
    const { task } = host;
    this.stage = new Stage({
      label: t("keypoints.stage"),
      focus: task.view,
      cursor: "crosshair",
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      paint: (brush) => this.paint(brush),
      tool: this.tool(),
    });
    this.commands = keypointsCommands(host, () => this.stage);
    this.rows = task.joints.map((_, index) => this.row(index));
    this.side = el(
      "div",
      { class: "side-stack compact", "data-essential": true },
      el("section", { class: "side-section" }, el("h2", {}, t("keypoints.joints")), this.progress, this.list()),
      el("section", { class: "side-section" }, this.actions.element),
      el("section", { class: "side-section quiet" }, el("p", { class: "note" }, t("keypoints.how"))),
    );
    this.element = this.stage.root;
    this.stages = [this.stage];
  }

  render(state: KeypointsState): void {
    const { task } = this.host;
    this.live = null;
    this.actions.show(this.commands.filter((c) => c.place === "side"));
    setText(this.progress, t("keypoints.progress", { done: state.done.length, of: task.joints.length }));
    this.rows.forEach(({ row, mark }, index) => {
      const joint = task.joints[index];
      if (!joint) return;
      const done = state.done.includes(joint.name);
      const v = state.points[joint.name]?.v;
      const word = !done ? "open" : v === 0 ? "absent" : v === 1 ? "hidden" : "seen";
      setAll(row, { "aria-pressed": String(index === state.at), "data-joint-state": word });
      setText(mark, t(`keypoints.is_${word}`));
      if (index === state.at) row.scrollIntoView?.({ block: "nearest" });
    });
    this.stage.request();
  }

  destroy(): void {
    this.stage.destroy();
  }

  private list(): HTMLElement {
    return el("ol", { class: "joint-list" }, ...this.rows.map(({ row }) => el("li", {}, row)));
  }

  private row(index: number): { row: HTMLElement; mark: HTMLElement } {
    const { task } = this.host;
    const joint = task.joints[index];
    const mark = el("span", { class: "joint-mark" });
    const row = el(
      "button",
      {
        type: "button",
        class: "box-row joint-row",
        "data-joint": joint?.name ?? "",
        onmousedown: keepFocus,
        onclick: () => this.host.amend(goTo(task, this.host.state, index)),
      },
      el("span", { class: "joint-side", "data-side": joint?.side ?? "none" }, joint?.side ? letterOf(joint.side) : "·"),
      el("span", { class: "box-name" }, joint?.label ?? ""),
      mark,
    );
    return { row, mark };
  }

  private tool(): StageTool {
    const { host } = this;
    return {
      down: (p) => {
        if (!host.armed()) return false;
        this.gripped = this.find(p);
        return this.gripped !== null;
      },
      move: (p) => this.dragged(p),
      up: (p) => this.released(p),
      click: (p) => {
        if (host.armed()) host.commit(put(host.task, host.state, p.scene));
      },
      hover: (p) => {
        this.stage.root.style.cursor = p && this.find(p) !== null ? "grab" : "crosshair";
      },
      cancel: () => this.letGo(),
    };
  }

  private dragged(p: StagePointer): void {
    if (this.gripped === null || !p.dragged) return;
    this.live = moveJoint(this.host.task, this.host.state, this.gripped, p.scene);
    if (p.touch) this.stage.underFinger = p.screen;
    this.stage.request();
  }

  /** A drag moves what was gripped. A click sets the joint in question, unless it has a place and hit another one. */
  private released(p: StagePointer): void {
    const { host, live, gripped } = this;
    this.letGo();
    if (live && p.dragged) host.commit(live);
    else if (gripped !== null) {
      const lacking = placeOf(host.state, current(host.task, host.state).name) === null;
      if (lacking || gripped === host.state.at) host.commit(put(host.task, host.state, p.scene));
      else host.amend(goTo(host.task, host.state, gripped));
    }
  }

  private letGo(): void {
    this.gripped = null;
    this.live = null;
    this.stage.underFinger = null;
    this.stage.request();
  }

  /** The joint within reach; of several, the one in question, else the nearest. */
  private find(p: StagePointer): number | null {
    const { task, state } = this.host;
    const reach = this.stage.reach(p.touch ? TOUCH_REACH_PX : REACH_PX);
    let best: number | null = null;
    let least = reach;
    task.joints.forEach((joint, index) => {
      const at = placeOf(state, joint.name);
      if (!at) return;
      const distance = Math.hypot(at[0] - p.scene[0], at[1] - p.scene[1]) * (index === state.at ? 0.5 : 1);
      if (distance > least) return;
      least = distance;
      best = index;
    });
    return best;
  }

  private paint(brush: Brush): void {
    const { task, state } = this.host;
    paintContext(brush, task.objects);
    paintSkeleton(brush, task, this.live ?? state, this.live !== null);
    if (state.cursor) crosshair(brush, state.cursor);
  }
}
