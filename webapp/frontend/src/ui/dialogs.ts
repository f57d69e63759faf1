/** Modal dialogs: report a problem, help and keys, why this task. The browser's own <dialog> keeps the focus inside. */

import { REPORT_CODES, type Report, type ReportCode, type Said } from "../feed/protocol";
import { el } from "../lib/dom";
import { t } from "../messages";
import { icon } from "./icons";
import { reasonText, whyText } from "./said";

const MAX_REPORT_TEXT = 2000; // characters that the server takes

export function openDialog(title: string, className: string, ...content: (Node | null)[]): HTMLDialogElement {
  const close = el(
    "button",
    { type: "button", class: "btn btn-icon", "aria-label": t("help.close"), "data-action": "close" },
    icon("clear"),
  );
  const heading = el("h2", {}, title);
  const dialog = el(
    "dialog",
    { class: `dialog ${className}`, "aria-label": title },
    el("header", { class: "dialog-head" }, heading, close),
  );
  dialog.append(...content.filter((c) => c !== null));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask what is wrong; `send` gets the report. Digits choose, Ctrl+Enter sends. */
export function reportDialog(send: (report: Report) => void): void {
  let code: ReportCode = "bad_image";
  const text = el("textarea", {
    class: "field",
    rows: 3,
    maxlength: MAX_REPORT_TEXT,
    placeholder: t("report.text"),
    "aria-label": t("report.text"),
  });
  const choices = REPORT_CODES.map((name, index) => {
    const input = el("input", {
      type: "radio",
      name: "report-code",
      value: name,
      checked: index === 0,
      "data-action": `report-${name}`,
    });
    input.addEventListener("change", () => {
      code = name;
    });
    return {
      input,
      row: el(
        "label",
        { class: "choice" },
        input,
        el("span", {}, t(`report.${name}`)),
        el("kbd", { class: "keycap" }, String(index + 1)),
      ),
    };
  });
  const submit = el(
    "button",
    { type: "submit", class: "btn btn-row tone-primary", "data-action": "send-report" },
    el("span", { class: "btn-label" }, t("report.send")),
  );
  const cancel = el(
    "button",
    { type: "button", class: "btn btn-row", "data-action": "cancel-report" },
    el("span", { class: "btn-label" }, t("report.cancel")),
  );
  const form = el(
    "form",
    { class: "dialog-body" },
    el("div", { class: "choices", role: "radiogroup" }, ...choices.map((c) => c.row)),
    text,
    el("div", { class: "dialog-actions" }, cancel, submit),
  );
  const dialog = openDialog(t("report.title"), "dialog-report", form);
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    send({ code, text: text.value.trim() });
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.code === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    const digit = /^(?:Digit|Numpad)([1-6])$/.exec(event.code)?.[1];
    if (digit && event.target !== text) {
      event.preventDefault();
      choices[Number(digit) - 1]?.input.click();
      choices[Number(digit) - 1]?.input.focus();
    }
  });
  choices[0]?.input.focus();
}

/** Opens at once and is filled when the explanation arrives. */
export class WhyDialog {
  private body = el("div", { class: "dialog-body" });
  private dialog: HTMLDialogElement | null = null;

  ask(asked: boolean): void {
    this.body = el(
      "div",
      { class: "dialog-body" },
      el("p", { class: "note" }, t(asked ? "why.waiting" : "why.offline")),
    );
    this.dialog = openDialog(t("why.title"), "dialog-why", this.body);
  }

  tell(why: readonly Said[], asked: readonly Said[], terms: unknown): void {
    if (!this.dialog?.open) return;
    const rows = Object.entries(typeof terms === "object" && terms !== null ? terms : {})
      .filter(([, value]) => typeof value === "number" || typeof value === "string")
      .map(([name, value]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, name.replaceAll("_", " ")),
          el("td", {}, typeof value === "number" ? short(value) : String(value)),
        ),
      );
    const table =
      rows.length > 0
        ? el("details", {}, el("summary", {}, t("why.terms")), el("table", { class: "terms" }, ...rows))
        : null;
    this.body.replaceChildren(
      ...asked.map((reason) => el("p", { class: "why-because" }, reasonText(reason))),
      ...why.map((reason) => el("p", {}, whyText(reason))),
      ...(table ? [table] : []),
    );
  }
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
