/** Keeps what somebody has typed into a form until the server has it: `data-draft` names it, `data-version` is the
 * version of the stored data that it changes. A draft of an older version was saved, or is about something else now. */

import { make } from "./dom";

export interface Draft {
  readonly version: string;
  readonly values: Readonly<Record<string, string>>;
}

const PREFIX = "tessera-draft-";
const KEPT = "input:not([type=hidden]):not([type=file]):not([type=password]), textarea, select";
type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** The draft that belongs to this version and says something else than the form does. */
export function useful(
  draft: Draft | null,
  version: string,
  shown: Readonly<Record<string, string>>,
): Draft["values"] | null {
  if (draft === null || draft.version !== version) return null;
  const known = Object.entries(draft.values).filter(([name]) => name in shown);
  return known.some(([name, value]) => shown[name] !== value) ? Object.fromEntries(known) : null;
}

export function read(storage: Storage, key: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(storage.getItem(PREFIX + key) ?? "null");
    return typeof kept === "object" && kept !== null && "values" in kept ? (kept as Draft) : null;
  } catch {
    return null;
  }
}

function fields(form: HTMLFormElement): Field[] {
  return [...form.querySelectorAll<Field>(KEPT)].filter((field) => field.name !== "");
}

/** What the form says, by name; of radio buttons, the chosen one's value. */
export function valuesOf(form: HTMLFormElement): Record<string, string> {
  const values: Record<string, string> = {};
  for (const field of fields(form)) {
    if (field instanceof HTMLInputElement && field.type === "radio") {
      if (field.checked) values[field.name] = field.value;
    } else values[field.name] = field.value;
  }
  return values;
}

function apply(form: HTMLFormElement, values: Draft["values"]): void {
  for (const field of fields(form)) {
    const value = values[field.name];
    if (value === undefined) continue;
    if (field instanceof HTMLInputElement && field.type === "radio") field.checked = field.value === value;
    else field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

export interface DraftTexts {
  readonly restored: string;
  readonly discard: string;
}

/** Watch a form; offer to discard what was restored. */
export function keepDraft(form: HTMLFormElement, texts: DraftTexts, storage: Storage = localStorage): void {
  const key = form.dataset.draft ?? "";
  const version = form.dataset.version ?? "";
  const before = valuesOf(form);
  const found = useful(read(storage, key), version, before);
  if (found) {
    apply(form, found);
    const notice = make(
      "p",
      { class: "notice draft-notice", role: "status" },
      texts.restored,
      make(
        "button",
        {
          type: "button",
          class: "button small",
          onclick: () => {
            storage.removeItem(PREFIX + key);
            apply(form, before);
            notice.remove();
          },
        },
        texts.discard,
      ),
    );
    form.prepend(notice);
  } else storage.removeItem(PREFIX + key);
  const save = (): void => {
    try {
      storage.setItem(PREFIX + key, JSON.stringify({ version, values: valuesOf(form) } satisfies Draft));
    } catch {}
  };
  form.addEventListener("input", save);
  form.addEventListener("change", save);
}
