import { BoxEditor } from "../../canvas/box_editor";
import { preview } from "../../canvas/drawing";
import { type Box, containsPoint, EDGES, type Edge, type Point } from "../../canvas/geometry";
import type { StagePointer } from "../../canvas/gestures";
import { type Brush, crosshair, dot, INK, outline, seedMark, tag } from "../../canvas/painter";
import { Stage, type StageTool } from "../../canvas/stage";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { ClassPicker } from "../shared/class_picker";
import { decoded, paintContext } from "../shared/looks";
import { classOf, shownBounds } from "../task";
import { drawCommands } from "./keys";
import { type DrawTask, type DrawTaskState, draw, isDrawing, MAX_BOXES, relabel, reshape, select } from "./model";

export function mountDraw(host: Host<DrawTask, DrawTaskState>): KindView<DrawTaskState> {
  return new DrawView(host);
}

class DrawView implements KindView<DrawTaskState> {
  readonly element: HTMLElement;
  readonly side: HTMLElement;
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  private readonly stage: Stage;
  private readonly editor: BoxEditor;
  private readonly picker: ClassPicker;
  private readonly list = el("ol", { class: "box-list" });
  private readonly actions = new CommandGroup("row", "stack");
  private readonly how = el("p", { class: "note" });
  private pointer: Point | null = null;

  constructor(private readonly host: Host<DrawTask, DrawTaskState>) {
    const { task } = host;
    this.stage = new Stage({
      label: t("draw_missed.prompt", { class: classOf(task, task.label).name }),
      focus: task.view,
      cursor: "crosshair",
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      viewed: () => this.editor.place(),
      paint: (brush) => this.paint(brush),
      tool: this.tool(),
    });
    const labels = Object.fromEntries(EDGES.map((e) => [e, t(`edge.${e}`)])) as Record<Edge, string>;
    this.editor = new BoxEditor(
      this.stage,
      shownBounds(task),
      { change: (box, final) => this.reshaped(box, final) },
      labels,
    );
    this.picker = new ClassPicker(
      task.classes,
      () => host.state.label,
      (label) => this.relabelled(label),
    );
    const own = drawCommands(host, () => this.stage);
    this.commands = [...own, ...this.picker.commands];
    this.actions.show(own.filter((c) => c.place === "side"));
    const boxes = el(
      "section",
      { class: "side-section" },
      el("h2", {}, t("draw_missed.boxes")),
      this.how,
      this.list,
      this.actions.element,
    );
    this.side = el("div", { class: "side-stack" }, boxes, this.picker.element);
    this.element = this.stage.root;
    this.stages = [this.stage];
  }

  render(state: DrawTaskState): void {
    const selected = state.selected === null ? null : (state.boxes[state.selected] ?? null);
    this.editor.set({ box: isDrawing(state) ? null : (selected?.box ?? null), color: INK.target });
    this.picker.render();
    this.actions.show(this.commands.filter((c) => c.id === "new" || c.id === "delete"));
    setText(this.how, t(state.mode === "extreme" ? "draw_missed.how_extreme" : "draw_missed.how_corners"));
    this.list.replaceChildren(...state.boxes.map((_, index) => this.row(state, index)));
    this.list.hidden = state.boxes.length === 0;
    this.stage.request();
  }

  destroy(): void {
    this.stage.destroy();
  }

  private row(state: DrawTaskState, index: number): HTMLElement {
    const drawn = state.boxes[index];
    const { name, color } = classOf(this.host.task, drawn?.label ?? 0);
    const size = drawn
      ? t("side.size", { w: Math.round(drawn.box[2] - drawn.box[0]), h: Math.round(drawn.box[3] - drawn.box[1]) })
      : "";
    const button = el(
      "button",
      {
        type: "button",
        class: "box-row",
        "aria-pressed": String(state.selected === index),
        onclick: () => this.host.amend(select(this.host.state, index)),
      },
      el("span", { class: "swatch", style: `--swatch: ${color}` }),
      el("span", { class: "box-name" }, `${index + 1} · ${name}`),
      el("span", { class: "box-size" }, size),
    );
    return el("li", {}, button);
  }

  private tool(): StageTool {
    const { host } = this;
    const feed = (type: "down" | "move", p: StagePointer): void =>
      host.amend(draw(host.task, host.state, { type, p: p.scene }));
    return {
      down: (p) => {
        if (!host.armed()) return false;
        if (host.state.boxes.length >= MAX_BOXES) {
          host.say(t("draw_missed.full"));
          return false;
        }
        feed("down", p);
        return true;
      },
      move: (p) => {
        this.pointer = p.scene;
        feed("move", p);
      },
      up: (p) => this.released(p),
      hover: (p) => {
        this.pointer = p?.scene ?? null;
        if (p && isDrawing(host.state)) feed("move", p);
        this.stage.request();
      },
      cancel: () => host.amend(draw(host.task, host.state, { type: "cancel" })),
    };
  }

  private released(p: StagePointer): void {
    const { host } = this;
    const before = host.state;
    // A click on a box that is there selects it, unless a box has been begun.
    const clicked = !p.dragged && before.mode === "corners" && before.drawing.at === "pressed";
    const hit = clicked ? before.boxes.findIndex((b) => containsPoint(b.box, p.scene)) : -1;
    if (hit >= 0) {
      host.amend(select(draw(host.task, before, { type: "cancel" }), hit));
      return;
    }
    const next = draw(host.task, before, { type: "up", p: p.scene, dragged: p.dragged });
    if (next.boxes.length > before.boxes.length) host.commit(next);
    else
      host.amend(next.drawing.at === "second" && before.drawing.at === "pressed" ? { ...next, selected: null } : next);
  }

  private reshaped(box: Box, final: boolean): void {
    if (final) this.host.commit(reshape(this.host.state, box));
    else this.stage.request();
  }

  private relabelled(label: number): void {
    const next = relabel(this.host.state, label);
    if (this.host.state.selected !== null) this.host.commit(next);
    else this.host.amend(next);
  }

  private paint(brush: Brush): void {
    const { state, task } = this.host;
    paintContext(brush, task.objects);
    if (task.seed && state.boxes.length === 0 && !isDrawing(state)) seedMark(brush, task.seed);
    else if (task.seed) dot(brush, task.seed, 2.5, INK.target);
    const cross = state.cursor ?? this.pointer;
    if (cross && (isDrawing(state) || state.selected === null || state.cursor)) crosshair(brush, cross);
    this.paintBoxes(brush, state);
    const open = preview(state.drawing);
    if (open) outline(brush, [open], { color: INK.target, width: 2, dash: [7, 4] });
    if (state.drawing.at === "extreme") for (const p of state.drawing.points) dot(brush, p, 4, INK.target);
  }

  private paintBoxes(brush: Brush, state: DrawTaskState): void {
    state.boxes.forEach((drawn, index) => {
      const edited = index === state.selected && !isDrawing(state);
      const box = edited ? (this.editor.box ?? drawn.box) : drawn.box;
      if (!edited || brush.flat) outline(brush, [box], { color: INK.target, width: edited ? 2 : 1.5 });
      if (state.boxes.length > 1) tag(brush, box, String(index + 1), INK.target);
    });
  }
}
