import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { ChoiceList } from "../shared/choice_list";
import { subjectStage } from "../shared/subject";
import { nameCommands } from "./keys";
import { LONGEST_NAME, type NameState, type NameTask, promptName } from "./model";

export function mountName(host: Host<NameTask, NameState>): KindView<NameState> {
  const { task } = host;
  const stage = subjectStage(host, promptName());
  const list = new ChoiceList({
    classes: task.choices,
    missing: t("name_unknown.choose"),
    choose: (id) => {
      if (host.armed()) host.submit({ ...host.state, said: "class", label: id });
    },
  });
  const field = el("input", {
    type: "text",
    class: "field",
    maxlength: LONGEST_NAME,
    autocomplete: "off",
    placeholder: t("name_unknown.name"),
    "aria-label": t("name_unknown.name"),
    "data-testid": "propose",
    dir: "auto",
  });
  field.addEventListener("input", () => host.amend({ ...host.state, propose: field.value }));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    host.submit({ ...host.state, said: "propose" });
  });
  return {
    element: stage.root,
    side: el(
      "div",
      { class: "side-stack", "data-essential": true },
      list.element,
      el(
        "section",
        { class: "side-section" },
        el("h2", {}, t("name_unknown.propose")),
        field,
        el(
          "button",
          {
            type: "button",
            class: "btn btn-row",
            "data-action": "propose-send",
            onclick: () => host.submit({ ...host.state, said: "propose" }),
          },
          t("name_unknown.send"),
        ),
        el("p", { class: "note quiet" }, t("name_unknown.propose_hint")),
      ),
    ),
    stages: [stage],
    commands: [...nameCommands(host, () => field.focus()), ...list.commands],
    render(state) {
      list.render();
      if (field.value !== state.propose) field.value = state.propose;
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}
