import type { StagePointer } from "../../canvas/gestures";
import { Stage, type StageTool } from "../../canvas/stage";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { ClassPicker } from "../shared/class_picker";
import { decoded } from "../shared/looks";
import { classOf } from "../task";
import { regionCommands } from "./keys";
import { RegionLayer } from "./layer";
import {
  assign,
  countDecided,
  isDecided,
  isOpen,
  onward,
  promptRegion,
  type RegionState,
  type RegionTask,
  segmentAt,
} from "./model";

export function mountRegion(host: Host<RegionTask, RegionState>): KindView<RegionState> {
  return new RegionView(host);
}

export class RegionView implements KindView<RegionState> {
  readonly element: HTMLElement;
  readonly side: HTMLElement;
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  readonly stage: Stage;
  readonly tint = { shown: true };
  private readonly layer: RegionLayer;
  private readonly picker: ClassPicker;
  private readonly actions = new CommandGroup("row", "stack");
  private readonly progress = el("p", { class: "path-status", role: "status" });
  /** The pointer is over the picture: keys are about the segment under it and do not go on by themselves. */
  private pointing = false;
  private live: RegionState | null = null;

  constructor(private readonly host: Host<RegionTask, RegionState>) {
    const { task } = host;
    this.layer = new RegionLayer(task);
    this.stage = new Stage({
      label: promptRegion(task),
      focus: task.view,
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      paint: (brush) => this.layer.paint(brush, this.live ?? host.state, this.tint.shown),
      tool: this.tool(),
    });
    this.picker = new ClassPicker(
      task.choices,
      () => host.state.label,
      (label) => host.amend({ ...host.state, label }),
    );
    this.commands = [...regionCommands(host, this), ...this.byDigit()];
    this.side = el(
      "div",
      { class: "side-stack compact", "data-essential": true },
      el("section", { class: "side-section" }, el("h2", {}, t("label_region.segments")), this.progress),
      this.picker.element,
      el("section", { class: "side-section" }, this.actions.element),
      el("section", { class: "side-section" }, el("p", { class: "note" }, t("label_region.how"))),
    );
    this.element = this.stage.root;
    this.stages = [this.stage];
  }

  render(state: RegionState): void {
    this.live = null;
    this.layer.show(state);
    this.picker.render();
    this.actions.show(this.commands.filter((c) => c.place === "side" && !c.id.startsWith("class-")));
    setText(this.progress, this.statusOf(state));
    this.stage.request();
  }

  destroy(): void {
    this.stage.destroy();
  }

  /** Give the segment at hand a class; by keys alone, go on to the next one that is open. */
  give(label: number | null): void {
    const { host } = this;
    const { at } = host.state;
    if (!isOpen(host.task, at)) return;
    const given = assign({ ...host.state, label: label ?? host.state.label }, [at], label);
    const next = this.pointing ? given : onward(host.task, given);
    if (next.assigned === host.state.assigned) host.amend(next);
    else host.commit(next);
  }

  byKey(): void {
    this.pointing = false;
  }

  /** A class's button takes it into the hand; its digit gives it to the segment at hand. */
  private byDigit(): Command[] {
    return this.picker.commands.map((command) => {
      const id = Number(command.id.replace("class-", ""));
      return Number.isNaN(id) ? command : { ...command, run: () => this.give(id) };
    });
  }

  private statusOf(state: RegionState): string {
    const { task } = this.host;
    const share = t("label_region.progress", { done: countDecided(task, state), of: task.open.length });
    if (!isOpen(task, state.at)) return share;
    const label = state.assigned[state.at];
    const what = !isDecided(state, state.at)
      ? t("label_region.is_open")
      : typeof label === "number"
        ? classOf(task, label).name
        : t("label_region.is_void");
    return `${share} · ${t("label_region.marked", { what })}`;
  }

  private tool(): StageTool {
    const { host } = this;
    return {
      down: (p) => {
        if (!host.armed() || !isOpen(host.task, this.under(p))) return false;
        this.live = host.state;
        this.brush(p);
        return true;
      },
      move: (p) => this.brush(p),
      up: () => {
        const painted = this.live;
        this.live = null;
        if (painted) host.commit(painted);
      },
      hover: (p) => this.hovered(p),
      cancel: () => this.render(host.state),
    };
  }

  private hovered(p: StagePointer | null): void {
    this.pointing = p !== null && !p.touch;
    const id = p ? this.under(p) : null;
    this.stage.root.style.cursor = isOpen(this.host.task, id) ? "pointer" : "";
    if (isOpen(this.host.task, id) && id !== this.host.state.at) this.host.amend({ ...this.host.state, at: id });
  }

  /** Every open segment that the pressed pointer touches gets the class in the hand. */
  private brush(p: StagePointer): void {
    const id = this.under(p);
    if (!this.live || !isOpen(this.host.task, id)) return;
    this.live = assign({ ...this.live, at: id }, [id], this.live.label);
    this.layer.show(this.live);
    this.stage.request();
  }

  private under(p: StagePointer): number | null {
    return segmentAt(this.host.task.segments, p.scene);
  }
}
