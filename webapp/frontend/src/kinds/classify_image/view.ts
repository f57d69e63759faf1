import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { ChoiceList } from "../shared/choice_list";
import { subjectStage } from "../shared/subject";
import { classifyCommands } from "./keys";
import { type ClassifyState, type ClassifyTask, classified, promptClassify, toggleSecond } from "./model";

export function mountClassify(host: Host<ClassifyTask, ClassifyState>): KindView<ClassifyState> {
  const { task } = host;
  const stage = subjectStage(host, promptClassify(task));
  const list = new ChoiceList({
    classes: task.choices,
    missing: t("classify_image.choose"),
    choose: (id) => {
      if (host.armed()) host.submit(classified(host.state, id));
    },
    second: { current: () => host.state.alt, toggle: (id) => host.commit(toggleSecond(host.state, id)) },
  });
  const how = el("p", { class: "note quiet at-end" }, t("classify_image.how"));
  return {
    element: stage.root,
    side: el(
      "div",
      { class: "side-stack", "data-essential": true },
      list.element,
      el("div", { class: "side-section at-end" }, how),
    ),
    stages: [stage],
    commands: [...classifyCommands(host), ...list.commands],
    render() {
      list.render();
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}
