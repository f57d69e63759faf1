import { INK, outline } from "../../canvas/painter";
import { el } from "../../lib/dom";
import { ParseError } from "../../lib/parse";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { BoxDesk } from "../shared/box_desk";
import { sameBox } from "../shared/boxwork";
import { ClassPicker } from "../shared/class_picker";
import { readCase } from "./case";
import { CasePanel } from "./case_panel";
import { adjudicateCommands } from "./keys";
import { type AdjudicateState, type AdjudicateTask, revealed, type Source, take, toggleFeature } from "./model";

export function mountAdjudicate(host: Host<AdjudicateTask, AdjudicateState>): KindView<AdjudicateState> {
  const { task } = host;
  // A draft that was left while waiting for the case has to ask again.
  if (host.state.phase === "asked") host.amend({ ...host.state, phase: "blind" });
  let pointed: Source | null = null;
  const desk = new BoxDesk<AdjudicateTask, AdjudicateState>(host, {
    label: t("adjudicate.prompt_blind", { class: "" }),
    context: task.objects,
    editable: (state) => state.phase !== "asked" && state.ruling !== "reject" && state.ruling !== "undecidable",
    paint(brush, state) {
      const others = (state.file?.versions ?? []).filter((v) => !sameBox(v.box, state.box));
      outline(
        brush,
        others.map((v) => v.box),
        { color: INK.rival, width: 1.25, dash: [5, 4] },
      );
      if (pointed) outline(brush, [pointed.box], { color: INK.rival, width: 2.5 });
    },
  });
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
  return {
    element: desk.stage.root,
    side: el("div", { class: "side-stack", "data-essential": true }, panel.element, picker.element),
    stages: [desk.stage],
    commands: [...desk.commands, ...adjudicateCommands(host), ...picker.commands],
    render(state) {
      desk.render(state);
      panel.render(state);
      picker.render();
    },
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
    destroy: () => desk.destroy(),
  };
}
