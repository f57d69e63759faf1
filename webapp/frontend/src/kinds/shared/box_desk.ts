/** The picture with one editable box: handles, arrow keys, redrawing. Used by every kind that corrects a box. */

import { ARROW_CHORDS, arrowOf, moveCursor } from "../../canvas/arrows";
import { BoxEditor } from "../../canvas/box_editor";
import { preview } from "../../canvas/drawing";
import { type Box, center, EDGES, type Edge, type Point } from "../../canvas/geometry";
import type { StagePointer } from "../../canvas/gestures";
import { type Brush, crosshair, dot, INK, outline, toleranceRing } from "../../canvas/painter";
import { Stage, type StageTool } from "../../canvas/stage";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { type ContextObject, shownBounds, type Task } from "../task";
import { type BoxWork, beginRedraw, chooseEdge, endRedraw, nudge, redrawWith, setBox } from "./boxwork";
import { decoded, paintContext } from "./looks";
import { toleranceCommand } from "./tools";

export interface BoxDeskOptions<S extends BoxWork> {
  readonly label: string;
  readonly context: readonly ContextObject[];
  /** Edges that somebody reported as off. */
  readonly bad?: readonly Edge[];
  /** Whether the box is there and may be changed now. */
  editable(state: S): boolean;
  /** More shapes, below the box. */
  paint?(brush: Brush, state: S): void;
}

export class BoxDesk<T extends Task, S extends BoxWork> {
  readonly stage: Stage;
  readonly commands: readonly Command[];
  private readonly editor: BoxEditor;
  private readonly band = { shown: false };
  private readonly bounds: Box;
  private pointer: Point | null = null;

  constructor(
    private readonly host: Host<T, S>,
    private readonly options: BoxDeskOptions<S>,
  ) {
    const { task } = host;
    this.bounds = task.bounds;
    this.stage = new Stage({
      label: options.label,
      focus: task.view,
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      viewed: () => this.editor.place(),
      paint: (brush) => this.paint(brush),
      tool: this.tool(),
    });
    const labels = Object.fromEntries(EDGES.map((e) => [e, t(`edge.${e}`)])) as Record<Edge, string>;
    const events = {
      change: (box: Box, final: boolean) => this.changed(box, final),
      select: (edge: Edge | null) => host.amend(chooseEdge(host.state, edge)),
    };
    this.editor = new BoxEditor(this.stage, this.bounds, events, labels);
    this.commands = [...this.own(), toleranceCommand(this.band, () => this.stage.request())];
  }

  render(state: S): void {
    const shown = this.options.editable(state) && state.redraw === null;
    this.editor.set({
      box: shown ? state.box : null,
      bad: this.options.bad ?? [],
      selected: state.edge,
      color: INK.target,
    });
    this.stage.root.style.cursor = state.redraw ? "crosshair" : "";
    if (shown && state.edge && this.editor.owns(document.activeElement)) this.editor.focus(state.edge);
    this.stage.request();
  }

  destroy(): void {
    this.stage.destroy();
  }

  private own(): Command[] {
    const { host } = this;
    const editable = (): boolean => this.options.editable(host.state);
    return [
      {
        id: "redraw",
        label: t("fix_box.redraw"),
        keys: ["KeyE"],
        place: "tools",
        icon: "extreme",
        enabled: editable,
        pressed: () => host.state.redraw !== null,
        run: () => host.amend(host.state.redraw ? endRedraw(host.state) : beginRedraw(host.state)),
      },
      {
        id: "whole",
        label: t("fix_box.whole"),
        keys: ["KeyW"],
        place: "tools",
        icon: "whole",
        enabled: editable,
        pressed: () => host.state.edge === null,
        run: () => host.amend(chooseEdge(host.state, host.state.edge === null ? "left" : null)),
      },
      {
        id: "nudge",
        label: t("key.nudge"),
        keys: ARROW_CHORDS,
        place: "none",
        repeats: true,
        enabled: editable,
        run: (chord) => this.arrow(chord),
      },
      {
        id: "drop",
        label: t("draw_missed.drop"),
        keys: ["Space"],
        place: "none",
        enabled: () => host.state.redraw !== null,
        run: () => this.drop(),
      },
      {
        id: "back",
        label: t("action.back"),
        keys: ["Escape"],
        place: "none",
        enabled: () => host.state.redraw !== null,
        run: () => host.amend(endRedraw(host.state)),
      },
    ];
  }

  private arrow(chord: string | null): void {
    const { host } = this;
    const arrow = arrowOf(chord);
    if (!arrow) return;
    if (host.state.redraw) {
      const cursor = moveCursor(
        host.state.cursor,
        arrow,
        this.stage.view,
        shownBounds(host.task),
        center(host.state.box),
      );
      host.amend({ ...redrawWith(host.state, { type: "move", p: cursor }, this.bounds), cursor });
      return;
    }
    const next = nudge(host.state, arrow, this.bounds);
    if (next.box === host.state.box) host.amend(next);
    else host.commit(next);
  }

  private drop(): void {
    const { host } = this;
    const p = host.state.cursor;
    if (!p) host.amend({ ...host.state, cursor: center(host.state.box) });
    else this.feed({ type: "drop", p });
  }

  private feed(input: Parameters<typeof redrawWith>[1]): void {
    const { host } = this;
    const next = redrawWith(host.state, input, this.bounds);
    if (host.state.redraw && next.redraw === null) host.commit(next);
    else host.amend(next);
  }

  private tool(): StageTool {
    const { host } = this;
    const drawing = (): boolean => host.state.redraw !== null;
    return {
      down: (p: StagePointer) => {
        if (!drawing() || !host.armed()) return false;
        this.feed({ type: "down", p: p.scene });
        return true;
      },
      move: (p) => this.feed({ type: "move", p: p.scene }),
      up: (p) => this.feed({ type: "up", p: p.scene, dragged: false }),
      hover: (p) => {
        this.pointer = p?.scene ?? null;
        if (!drawing()) return;
        if (p) this.feed({ type: "move", p: p.scene });
        this.stage.request();
      },
    };
  }

  private changed(box: Box, final: boolean): void {
    if (final) this.host.commit(setBox(this.host.state, box));
    else this.stage.request();
  }

  private paint(brush: Brush): void {
    const { state, task } = this.host;
    paintContext(brush, this.options.context);
    this.options.paint?.(brush, state);
    if (!this.options.editable(state)) return;
    const box = this.editor.box ?? state.box;
    if (this.band.shown) toleranceRing(brush, box, task.tolerance);
    if (state.redraw === null) {
      if (brush.flat) outline(brush, [box], { color: INK.target, width: 2 });
      return;
    }
    outline(brush, [state.box], { color: INK.context, width: 1, dash: [3, 4], alpha: 0.7 });
    const at = state.cursor ?? this.pointer;
    if (at) crosshair(brush, at);
    const open = preview(state.redraw);
    if (open) outline(brush, [open], { color: INK.target, width: 2, dash: [7, 4] });
    if (state.redraw.at === "extreme") for (const p of state.redraw.points) dot(brush, p, 4, INK.target);
  }
}
