/** The right-hand side of an adjudication: the two steps, the case file once it is revealed, and what goes on record. */

import { el, keepFocus, setText } from "../../lib/dom";
import { type MessageKey, t } from "../../messages";
import { reasonText } from "../../ui/said";
import { sameBox } from "../shared/boxwork";
import { classOf } from "../task";
import { REASONS } from "../verify_box/model";
import type { CaseAnswer } from "./case";
import { type AdjudicateState, type AdjudicateTask, FEATURES, type Feature, type Source, sources } from "./model";
import { precedentRow } from "./precedents";

export interface CasePanelEvents {
  take(source: Source): void;
  /** Point at an outline without taking it; null to stop. */
  point(source: Source | null): void;
  feature(feature: Feature): void;
  gold(on: boolean): void;
  note(text: string): void;
}

const MAX_NOTE = 2000; // characters that the server keeps

export class CasePanel {
  readonly element: HTMLElement;
  private readonly steps = el("ol", { class: "steps" });
  private readonly outlines = el("div", { class: "outline-list" });
  private readonly answers = el("ul", { class: "answer-list" });
  private readonly model = el("p", { class: "note" });
  private readonly rules = el("p", { dir: "auto" });
  private readonly guideline = el(
    "details",
    { class: "case-rules" },
    el("summary", {}, t("adjudicate.guideline")),
    this.rules,
  );
  private readonly precedents = el("ul", { class: "precedent-list" });
  private readonly earlier = el("h2", {}, t("adjudicate.precedents"));
  private readonly features = el("div", { class: "chips" });
  private readonly gold = el("input", { type: "checkbox", "data-action": "make-gold" });
  private readonly note = el("textarea", {
    class: "field",
    rows: 2,
    maxlength: MAX_NOTE,
    "aria-label": t("adjudicate.note"),
    placeholder: t("adjudicate.note"),
  });
  private readonly file: HTMLElement;
  private readonly waiting = el("p", { class: "note waiting" }, t("adjudicate.revealing"));
  private shownFor: AdjudicateState["file"] = null;

  constructor(
    private readonly task: AdjudicateTask,
    private readonly events: CasePanelEvents,
  ) {
    this.gold.addEventListener("change", () => events.gold(this.gold.checked));
    this.note.addEventListener("input", () => events.note(this.note.value));
    this.file = el(
      "div",
      { class: "case-file", hidden: true },
      el("h2", {}, t("adjudicate.versions")),
      this.outlines,
      el("h2", {}, t("adjudicate.answers")),
      this.answers,
      this.model,
      this.guideline,
      this.earlier,
      this.precedents,
      el("h2", {}, t("adjudicate.rubric")),
      this.features,
      this.note,
      el("label", { class: "check" }, this.gold, t("adjudicate.gold")),
    );
    const reasons = task.reasons.map((reason) =>
      el("p", { class: "note" }, el("strong", {}, `${t("adjudicate.reason")}: `), reasonText(reason)),
    );
    this.element = el("section", { class: "side-section" }, this.steps, ...reasons, this.waiting, this.file);
  }

  /** `turn`: the outline that is shown alone now, while two are compared. */
  render(state: AdjudicateState, turn: string | null): void {
    const second = state.phase === "case";
    this.steps.replaceChildren(
      step(1, t("adjudicate.step_blind"), !second),
      step(2, t("adjudicate.step_ruling"), second),
    );
    this.waiting.hidden = state.phase !== "asked";
    this.file.hidden = !second;
    if (!second) return;
    if (this.shownFor !== state.file) this.fill(state);
    this.outlines.replaceChildren(...sources(state).map((source) => this.outline(state, source, turn)));
    this.features.replaceChildren(...FEATURES.map((feature) => this.chip(state, feature)));
    this.gold.checked = state.gold;
    this.gold.disabled = state.ruling === "undecidable";
    if (this.note.value !== state.note) this.note.value = state.note;
  }

  private fill(state: AdjudicateState): void {
    this.shownFor = state.file;
    const answers = state.file?.answers ?? [];
    this.answers.replaceChildren(
      ...(answers.length > 0
        ? answers.map((a) => answerRow(a, classOf(this.task, this.task.object.label).name))
        : [el("li", { class: "note" }, t("adjudicate.no_answers"))]),
    );
    const rules = state.file?.guideline ?? "";
    this.guideline.hidden = rules === "";
    setText(this.rules, rules);
    const precedents = state.file?.precedents ?? [];
    this.earlier.hidden = this.precedents.hidden = precedents.length === 0;
    this.precedents.replaceChildren(...precedents.map(precedentRow));
    const score = state.file?.modelScore ?? null;
    this.model.hidden = score === null;
    if (score !== null) setText(this.model, `${t("adjudicate.model")}: ${Math.round(score * 100)} %`);
  }

  private outline(state: AdjudicateState, source: Source, turn: string | null): HTMLElement {
    const version = state.file?.versions.find((v) => `v${v.number}` === source.key);
    const name = version ? t("adjudicate.version", { n: version.number }) : t("adjudicate.mine");
    const by = [version?.by, this.task.classes.length > 1 && classOf(this.task, source.label).name]
      .filter(Boolean)
      .join(" · ");
    const used = state.ruling === "accept" && sameBox(source.box, state.box);
    return el(
      "button",
      {
        type: "button",
        class: "box-row",
        "data-action": `use-${source.key}`,
        "aria-pressed": String(used),
        "data-turn": source.key === turn,
        onmousedown: keepFocus,
        onclick: () => this.events.take(source),
        onpointerenter: () => this.events.point(source),
        onpointerleave: () => this.events.point(null),
        onfocus: () => this.events.point(source),
        onblur: () => this.events.point(null),
      },
      el("span", { class: "box-name" }, name),
      el("span", { class: "box-size" }, by),
    );
  }

  private chip(state: AdjudicateState, feature: Feature): HTMLElement {
    return el(
      "button",
      {
        type: "button",
        class: "chip",
        "data-action": `rubric-${feature}`,
        "aria-pressed": String(state.seen.includes(feature)),
        onmousedown: keepFocus,
        onclick: () => this.events.feature(feature),
      },
      t(`adjudicate.rubric_${feature}`),
    );
  }
}

function step(n: number, text: string, current: boolean): HTMLElement {
  return el("li", { "aria-current": current ? "step" : null }, el("span", { class: "step-n" }, String(n)), text);
}

const VERDICTS: readonly string[] = ["ok", "bad", ...REASONS];
const KINDS: readonly string[] = [
  "verify_box",
  "grid_verify",
  "fix_box",
  "draw_missed",
  "compare_two",
  "coverage_tile",
];

function answerRow(answer: CaseAnswer, className: string): HTMLElement {
  const kind = KINDS.includes(answer.kind) ? t(`kind.${answer.kind}` as MessageKey) : answer.kind;
  const band = answer.band && t(`adjudicate.band_${answer.band}`);
  const what = [kind, answer.version === null ? null : t("adjudicate.version", { n: answer.version }), band];
  return el(
    "li",
    {},
    el("span", { class: "answer-by" }, answer.by),
    el("span", { class: "answer-verdict", "data-verdict": answer.verdict }, verdictText(answer.verdict, className)),
    el("span", { class: "answer-what" }, what.filter(Boolean).join(" · ")),
  );
}

function verdictText(verdict: string, className: string): string {
  if (VERDICTS.includes(verdict)) return t(`verify_box.${verdict}` as MessageKey, { class: className });
  if (verdict === "unsure") return t("action.unsure");
  return verdict === "drawn" ? t("adjudicate.drawn") : verdict.replaceAll("_", " ");
}
