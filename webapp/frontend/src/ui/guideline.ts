/** The project's guideline beside the task. The server renders it; one version is fetched once. */

import { el, setAll } from "../lib/dom";
import { type Fields, fieldsOf, numberOf, optional, textOf } from "../lib/parse";
import { t } from "../messages";
import { icon } from "./icons";

export interface GuidelineSource {
  readonly version: number;
  readonly url: string;
}

/** What the server says is new for this person, of one version and class. */
export interface GuidelineNews {
  readonly version: number;
  readonly changed: boolean;
  /** A new example to judge; null where the change is only to be read. */
  readonly image: string | null;
}

export type Said = "right" | "wrong" | null;

export class GuidelinePanel {
  readonly element: HTMLElement;
  private readonly body = el("div", { class: "guideline-body", tabindex: 0 });
  private readonly fetched = new Map<string, string>();
  private readonly news = el("div", { class: "guideline-news", hidden: true, "data-testid": "guideline-news" });
  private readonly asked = new Set<string>();
  /** The question that is shown and not answered yet. */
  private open: string | null = null;
  private source: GuidelineSource | null = null;
  private label: number | null = null;

  constructor(private readonly close: () => void) {
    const shut = el(
      "button",
      {
        type: "button",
        class: "btn btn-icon",
        "aria-label": t("help.close"),
        "data-action": "close-guideline",
        onclick: close,
      },
      icon("clear"),
    );
    this.element = el(
      "aside",
      { class: "wb-drawer", hidden: true, "aria-label": t("guideline.title"), "data-testid": "guideline" },
      el("header", { class: "dialog-head" }, el("h2", {}, t("guideline.title")), shut),
      this.news,
      this.body,
    );
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  show(on: boolean): void {
    setAll(this.element, { hidden: !on });
    if (on) void this.fill();
  }

  /** The task's guideline and the class that it asks about, if it is one; an open panel follows. */
  set(source: GuidelineSource | null, label: number | null): void {
    const same = source?.url === this.source?.url && source?.version === this.source?.version && label === this.label;
    this.source = source;
    this.label = label;
    if (!same) {
      // A question that is left unanswered is asked again with the next task of its class.
      if (this.open !== null) this.asked.delete(this.open);
      this.open = null;
      this.news.hidden = true;
      this.body.classList.remove("asking");
      if (this.shown) void this.fill();
    }
    if (source) void this.lookForNews(source);
  }

  /** Once per page, version and class: has it changed since this person has last read it? */
  private async lookForNews(source: GuidelineSource): Promise<void> {
    const address = this.address(source, "news/");
    const key = `${address}#${source.version}`;
    if (this.asked.has(key)) return;
    this.asked.add(key);
    try {
      const response = await fetch(address, { credentials: "same-origin" });
      if (!response.ok || response.redirected) throw new Error(`the guideline answered ${response.status}`);
      const news = readNews(await response.json());
      if (!news.changed) return;
      if (this.source === null || this.address(this.source, "news/") !== address)
        throw new Error("another task by now");
      this.open = key;
      this.ask(news, address);
    } catch {
      this.asked.delete(key); // The next task asks again.
    }
  }

  private ask(news: GuidelineNews, address: string): void {
    const answer = (said: Said) => () => void this.answer(news, address, said);
    const choices = news.image
      ? [
          choice("guideline-right", t("guideline.right"), answer("right")),
          choice("guideline-wrong", t("guideline.wrong"), answer("wrong")),
        ]
      : [choice("guideline-read", t("guideline.read"), answer(null))];
    this.news.replaceChildren(
      el("p", {}, t("guideline.changed")),
      ...(news.image
        ? [
            el("img", { src: news.image, alt: t("guideline.example"), class: "guideline-example" }),
            el("p", {}, t("guideline.question")),
          ]
        : []),
      el("div", { class: "guideline-choices" }, ...choices),
    );
    this.body.classList.toggle("asking", news.image !== null);
    this.news.hidden = false;
    this.show(true);
  }

  private async answer(news: GuidelineNews, address: string, said: Said): Promise<void> {
    try {
      const token = document.getElementById("workbench")?.dataset.csrf ?? "";
      const response = await fetch(address, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ version: news.version, said }),
      });
      if (!response.ok) throw new Error(`the guideline answered ${response.status}`);
      const told = readTold(await response.json());
      this.open = null;
      this.body.classList.remove("asking");
      if (said === null) {
        this.news.hidden = true;
        this.close();
      } else this.tell(told);
    } catch {
      this.news.append(el("p", { class: "note", role: "alert" }, t("guideline.not_sent")));
    }
  }

  /** What the guideline says of the example. */
  private tell(told: { readonly correct: boolean; readonly verdict: string; readonly caption: string }): void {
    const verdict = told.verdict === "right" ? t("guideline.is_right") : t("guideline.is_wrong");
    const done = choice("guideline-done", t("guideline.go_on"), () => {
      this.news.hidden = true;
      this.close();
    });
    this.news.replaceChildren(
      el("p", { role: "status", "data-correct": String(told.correct) }, `${verdict} ${told.caption}`),
      el("div", { class: "guideline-choices" }, done),
    );
    done.focus();
  }

  private address(source: GuidelineSource, more = ""): string {
    const query = this.label === null ? "" : `?class=${this.label}`;
    return `${source.url}${more}${query}`;
  }

  private async fill(): Promise<void> {
    const { source } = this;
    if (!source) {
      this.say(t("guideline.none"));
      return;
    }
    const address = this.address(source);
    const key = `${address}#${source.version}`;
    const known = this.fetched.get(key);
    if (known !== undefined) {
      this.body.innerHTML = known;
      return;
    }
    this.say(t("guideline.loading"));
    try {
      const html = await fetchFragment(address);
      this.fetched.set(key, html);
      if (this.source === source) this.body.innerHTML = html;
    } catch {
      if (this.source === source) this.say(t("guideline.failed"));
    }
  }

  private say(text: string): void {
    this.body.replaceChildren(el("p", { class: "note" }, text));
  }
}

function choice(action: string, label: string, onclick: () => void): HTMLButtonElement {
  return el(
    "button",
    { type: "button", class: "btn btn-row tone-primary", "data-action": action, onclick },
    el("span", { class: "btn-label" }, label),
  );
}

/** Raises ParseError. */
export function readNews(value: unknown): GuidelineNews {
  const f = fieldsOf(value, "news");
  const example = optional(f.example, "news.example", fieldsOf, null);
  return {
    version: numberOf(f.version, "news.version"),
    changed: f.changed === true,
    image: example && textOf(example.image, "news.example.image"),
  };
}

function readTold(value: unknown): { correct: boolean; verdict: string; caption: string } {
  const f = fieldsOf(value, "told");
  return {
    correct: f.correct === true,
    verdict: optional(f.verdict, "told.verdict", textOf, ""),
    caption: optional(f.caption, "told.caption", textOf, ""),
  };
}

/** The one class that a task's payload asks about, if there is one. */
export function classAskedOf(task: Fields): number | null {
  const object = typeof task.object === "object" && task.object !== null ? (task.object as Fields) : {};
  const found = task.class ?? object.class;
  return typeof found === "number" ? found : null;
}

/** A fragment of our own server, which has escaped it; another origin is never asked. */
async function fetchFragment(url: string): Promise<string> {
  const address = new URL(url, location.href);
  if (address.origin !== location.origin) throw new Error("the guideline is not on this server");
  const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
  // A redirect leads to the login page, which must not appear in here.
  if (!response.ok || response.redirected) throw new Error(`the guideline answered ${response.status}`);
  return response.text();
}
