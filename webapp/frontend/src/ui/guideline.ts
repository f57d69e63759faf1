/** The project's guideline beside the task. The server renders it; one version is fetched once. */

import { el, setAll } from "../lib/dom";
import { t } from "../messages";
import { icon } from "./icons";

export interface GuidelineSource {
  readonly version: number;
  readonly url: string;
}

const READ = "tessera-guidelines-read";

/** The version of each guideline that was read last in this browser, by its address. */
function readVersions(): Record<string, number> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(READ) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as Record<string, number>) : {};
  } catch {
    return {};
  }
}

export class GuidelinePanel {
  readonly element: HTMLElement;
  private readonly body = el("div", { class: "guideline-body", tabindex: 0 });
  private readonly fetched = new Map<string, string>();
  private readonly news: HTMLElement;
  private source: GuidelineSource | null = null;

  constructor(close: () => void) {
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
    const read = el(
      "button",
      {
        type: "button",
        class: "btn btn-row tone-primary",
        "data-action": "guideline-read",
        onclick: () => {
          this.acknowledge();
          close();
        },
      },
      el("span", { class: "btn-label" }, t("guideline.read")),
    );
    this.news = el("div", { class: "guideline-news", hidden: true }, el("p", {}, t("guideline.changed")), read);
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

  /** Whether the guideline is another one than this person has last read here; a first one is nothing new. */
  get changed(): boolean {
    const known = this.source && readVersions()[this.source.url];
    return known !== null && known !== undefined && known !== this.source?.version;
  }

  private acknowledge(): void {
    const { source } = this;
    if (!source) return;
    try {
      localStorage.setItem(READ, JSON.stringify({ ...readVersions(), [source.url]: source.version }));
    } catch {}
    this.news.hidden = true;
  }

  /** The task's guideline; an open panel follows. */
  set(source: GuidelineSource | null): void {
    const same = source?.url === this.source?.url && source?.version === this.source?.version;
    this.source = source;
    if (same) return;
    this.news.hidden = !this.changed;
    if (this.changed) this.show(true);
    else this.acknowledge();
    if (this.shown) void this.fill();
  }

  private async fill(): Promise<void> {
    const { source } = this;
    if (!source) {
      this.say(t("guideline.none"));
      return;
    }
    const key = `${source.url}#${source.version}`;
    const known = this.fetched.get(key);
    if (known !== undefined) {
      this.body.innerHTML = known;
      return;
    }
    this.say(t("guideline.loading"));
    try {
      const html = await fetchFragment(source.url);
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

/** A fragment of our own server, which has escaped it; another origin is never asked. */
async function fetchFragment(url: string): Promise<string> {
  const address = new URL(url, location.href);
  if (address.origin !== location.origin) throw new Error("the guideline is not on this server");
  const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
  // A redirect leads to the login page, which must not appear in here.
  if (!response.ok || response.redirected) throw new Error(`the guideline answered ${response.status}`);
  return response.text();
}
