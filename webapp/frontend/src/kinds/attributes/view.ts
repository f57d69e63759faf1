import { el, keepFocus, setAll } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { subjectStage } from "../shared/subject";
import { attributesCommands, pick } from "./keys";
import {
  type Attribute,
  type AttributesState,
  type AttributesTask,
  chooseNone,
  isChosen,
  moveTo,
  promptAttributes,
} from "./model";

type Desk = Host<AttributesTask, AttributesState>;

interface Field {
  readonly element: HTMLElement;
  render(state: AttributesState): void;
}

export function mountAttributes(host: Desk): KindView<AttributesState> {
  const { task } = host;
  const stage = subjectStage(host, promptAttributes(task));
  const fields = task.attributes.map((attribute, index) => field(host, attribute, index));
  return {
    element: stage.root,
    side: el("div", { class: "side-stack fields", "data-essential": true }, ...fields.map((f) => f.element)),
    stages: [stage],
    commands: attributesCommands(host),
    render(state) {
      for (const f of fields) f.render(state);
      fields[state.at]?.element.scrollIntoView?.({ block: "nearest" });
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}

/** One attribute: its options as a group of buttons that look chosen or not, each with its digit. */
function field(host: Desk, attribute: Attribute, index: number): Field {
  const heading = `attribute-${index}`;
  const options = attribute.options.map((option) => ({
    option,
    button: choice(attribute, option.name, option.digit, `${attribute.id}-${option.id}`, () => {
      if (host.armed()) pick(host, index, option.id);
    }),
  }));
  const none = attribute.multi
    ? choice(attribute, t("attributes.none"), "0", `${attribute.id}-none`, () =>
        host.commit(chooseNone(host.task, host.state, index)),
      )
    : null;
  const element = el(
    "section",
    {
      class: "side-section field-group",
      "data-attribute": attribute.id,
      onclick: () => host.amend(moveTo(host.task, host.state, index)),
    },
    el("h2", { id: heading }, attribute.name),
    attribute.multi && el("p", { class: "note" }, t("attributes.several")),
    el(
      "div",
      { class: "choices", role: attribute.multi ? "group" : "radiogroup", "aria-labelledby": heading },
      ...options.map((o) => o.button),
      none,
    ),
  );
  return {
    element,
    render(state) {
      setAll(element, { "data-current": state.at === index, "data-done": attribute.id in state.chosen });
      for (const { option, button } of options) mark(attribute, button, isChosen(state, attribute, option.id));
      if (none) mark(attribute, none, state.chosen[attribute.id]?.length === 0);
    },
  };
}

function choice(attribute: Attribute, name: string, digit: string | null, action: string, run: () => void) {
  return el(
    "button",
    {
      type: "button",
      class: "choice",
      role: attribute.multi ? "checkbox" : "radio",
      "aria-checked": "false",
      "data-action": action,
      onmousedown: keepFocus,
      onclick: run,
    },
    el("span", { class: "choice-mark" }),
    el("span", { class: "choice-name" }, name),
    digit && el("kbd", { class: "keycap" }, digit),
  );
}

function mark(attribute: Attribute, button: HTMLElement, chosen: boolean): void {
  setAll(button, { "aria-checked": String(chosen), "data-shape": attribute.multi ? "square" : "round" });
}
