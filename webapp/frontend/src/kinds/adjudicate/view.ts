import { type Brush, INK, outline } from "../../canvas/painter";
import { el } from "../../lib/dom";
import { ParseError } from "../../lib/parse";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { BoxDesk } from "../shared/box_desk";
import { sameBox } from "../shared/boxwork";
import { ClassPicker } from "../shared/class_picker";
import { readCase } from "./case";
import { CasePanel } from "./case_panel";
import { Flicker } from "./flicker";
import { adjudicateCommands } from "./keys";
import {
  type AdjudicateState,
  type AdjudicateTask,
  comparable,
  revealed,
  type Source,
  take,
  toggleFeature,
} from "./model";

export function mountAdjudicate(host: Host<AdjudicateTask, AdjudicateState>): KindView<AdjudicateState> {
  const { task } = host;
  // A draft that was left while waiting for the case has to ask again.
  if (host.state.phase === "asked") host.amend({ ...host.state, phase: "blind" });
  let pointed: Source | null = null;
  const flicker: Flicker = new Flicker(() => {
    host.refresh();
    render(host.state);
  });
  const desk = new BoxDesk<AdjudicateTask, AdjudicateState>(host, {
    label: t("adjudicate.prompt_blind", { class: "" }),
    context: task.objects,
    editable: (state) =>
      state.phase !== "asked" && state.ruling !== "reject" && state.ruling !== "undecidable" && flicker.shown === null,
    paint(brush, state) {
      if (flicker.shown !== null) return paintTurn(brush, state, flicker.shown);
      const others = (state.file?.versions ?? []).filter((v) => !sameBox(v.box, state.box));
      outline(
        brush,
        others.map((v) => v.box),
        { color: INK.rival, width: 1.25, dash: [5, 4] },
      );
      if (pointed) outline(brush, [pointed.box], { color: INK.rival, width: 2.5 });
    },
  });
  const paintTurn = (brush: Brush, state: AdjudicateState, shown: 0 | 1): void => {
    const turn = comparable(state, pointed)?.[shown];
    if (turn) outline(brush, [turn.box], { color: shown === 0 ? INK.target : INK.rival, width: 2 });
  };
  const panel = new CasePanel(task, {
    take: (source) => host.commit(take(host.state, source)),
    point(source) {
      pointed = source;
      desk.stage.request();
    },
    feature: (feature) => host.commit(toggleFeature(host.state, feature)),
    gold: (gold) => host.commit({ ...host.state, gold }),
    note: (note) => host.amend({ ...host.state, note }),
  });
  const picker = new ClassPicker(
    task.classes,
    () => host.state.label,
    (label) => host.commit({ ...host.state, label }),
  );
  const render = (state: AdjudicateState): void => {
    if (state.phase !== "case" || !comparable(state, pointed)) flicker.stop();
    desk.render(state);
    panel.render(state, flicker.shown === null ? null : (comparable(state, pointed)?.[flicker.shown].key ?? null));
    picker.render();
  };
  return {
    element: desk.stage.root,
    side: el("div", { class: "side-stack", "data-essential": true }, panel.element, picker.element),
    stages: [desk.stage],
    commands: [...desk.commands, ...adjudicateCommands(host, flicker), ...picker.commands],
    render,
    receive(message) {
      if (host.state.phase !== "asked") return;
      try {
        if (message.case) return host.amend(revealed(host.state, readCase(message.case as Record<string, unknown>)));
      } catch (error) {
        if (!(error instanceof ParseError)) throw error;
      }
      host.amend({ ...host.state, phase: "blind" });
      host.say(t("adjudicate.no_case"));
    },
    destroy() {
      flicker.stop();
      desk.destroy();
    },
  };
}
