import { type Box, EDGES, type Edge, nearestEdge, type Point } from "../../canvas/geometry";
import { type Brush, INK, outline, toleranceRing } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { boxToScreen } from "../../canvas/transform";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { toleranceCommand } from "../shared/tools";
import { verifyCommands } from "./keys";
import { toggleEdge, type VerifyState, type VerifyTask } from "./model";

const EDGE_REACH_PX = 12;

export function mountVerify(host: Host<VerifyTask, VerifyState>): KindView<VerifyState> {
  const { task } = host;
  const own = verifyCommands(host);
  const band = { shown: false };
  let hovered: Edge | null = null;

  const edgeAt = (p: Point): Edge | null => nearestEdge(task.object.box, p, stage.reach(EDGE_REACH_PX));
  const stage = new Stage({
    label: t("verify_box.prompt", { class: "" }),
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint: (brush) => paint(brush, task, host.state, band.shown, hovered),
    tool: {
      click(p) {
        const edge = edgeAt(p.scene);
        if (edge && host.armed()) host.commit(toggleEdge(host.state, edge));
      },
      hover(p) {
        const edge = p ? edgeAt(p.scene) : null;
        if (edge === hovered) return;
        hovered = edge;
        stage.root.style.cursor = edge ? "pointer" : "";
        stage.request();
      },
    },
  });

  const tolerance = toleranceCommand(band, () => stage.request());
  const { side, render } = sidePanel(own);
  return {
    element: stage.root,
    side,
    stages: [stage],
    commands: [...own, tolerance],
    render(state) {
      render(state);
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}

function sidePanel(commands: readonly Command[]): { side: HTMLElement; render: (state: VerifyState) => void } {
  const reasons = new CommandGroup("card", "stack");
  const edges = new CommandGroup("row", "stack");
  const note = el("p", { class: "note" });
  const side = el(
    "section",
    { class: "side-section" },
    el("h2", {}, t("verify_box.what")),
    reasons.element,
    note,
    edges.element,
    el("p", { class: "note quiet at-end" }, t("verify_box.rule")),
  );
  const cards = commands.filter((c) => c.id.startsWith("reason-"));
  const send = commands.filter((c) => c.id === "submit");
  return {
    side,
    render(state) {
      reasons.show(cards);
      edges.show(state.edges.length > 0 ? send : []);
      setText(note, state.edges.length > 0 ? state.edges.map((e) => t(`edge.${e}`)).join(", ") : t("verify_box.edges"));
      side.toggleAttribute("data-open", state.asking);
    },
  };
}

function paint(brush: Brush, task: VerifyTask, state: VerifyState, band: boolean, hovered: Edge | null): void {
  paintContext(brush, task.objects);
  if (band) toleranceRing(brush, task.object.box, task.tolerance);
  outline(brush, [task.object.box], { color: INK.target, width: 2 });
  for (const edge of EDGES) {
    const marked = state.edges.includes(edge);
    if (marked || edge === hovered) markEdge(brush, task.object.box, edge, marked);
  }
}

/** A marked edge is thick and dashed; one under the pointer is thick and pale. */
function markEdge(brush: Brush, box: Box, edge: Edge, marked: boolean): void {
  const { ctx } = brush;
  const [x1, y1, x2, y2] = boxToScreen(brush.view, box);
  const ends = { left: [x1, y1, x1, y2], right: [x2, y1, x2, y2], top: [x1, y1, x2, y1], bottom: [x1, y2, x2, y2] }[
    edge
  ];
  const [ax, ay, bx, by] = ends as [number, number, number, number];
  ctx.save();
  ctx.lineCap = "butt";
  for (const [style, width, dash] of [
    ["rgb(0 0 0 / 0.8)", 8, []],
    [marked ? INK.bad : "#ffffff", 4.5, marked ? [10, 5] : []],
  ] as const) {
    ctx.beginPath();
    ctx.setLineDash([...dash]);
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.moveTo(ax, ay);
    ctx.lineTo(bx, by);
    ctx.stroke();
  }
  ctx.restore();
}
