/** The frame around a task: header, picture, tools, side panel, action bar. It shows; it decides nothing. */

import type { Said } from "../feed/protocol";
import { TOO_MANY_TABS } from "../feed/socket";
import type { FeedState } from "../feed/state";
import type { Session } from "../kinds/session";
import { el, setAll, setText } from "../lib/dom";
import { type MessageKey, t } from "../messages";
import { CommandGroup } from "./buttons";
import type { Command } from "./commands";
import { DisplayPanel } from "./display_panel";
import { GuidelinePanel } from "./guideline";
import { icon } from "./icons";
import type { Menu } from "./menu";
import { isPersonal, reasonText } from "./said";
import { Toasts } from "./toasts";

export interface Progress {
  readonly done: number;
  readonly earned: string | null;
  /** How the money comes about: time and rate. */
  readonly detail: string;
}

/** What stands where the task would be. */
export type Rest =
  | { readonly what: "loading" | "image_loading" }
  | { readonly what: "idle"; readonly reasons: readonly Said[] }
  | { readonly what: "paused"; readonly reasons: readonly Said[] }
  | { readonly what: "image_failed"; retry(): void };

export class Shell {
  readonly element: HTMLElement;
  readonly toasts = new Toasts();
  readonly guideline: GuidelinePanel;
  readonly display: DisplayPanel;
  private readonly project = el("span", { class: "wb-project" });
  private readonly prompt = el("h1", { class: "wb-prompt", "aria-live": "polite", "data-testid": "prompt" });
  private readonly done = el("span", { class: "wb-figure", "data-testid": "done-today" });
  private readonly earned = el("span", { class: "wb-figure wb-earned", "data-testid": "earned-today" });
  private readonly link = el("span", { class: "wb-link", role: "img", "data-testid": "connection" });
  private readonly pending = el("span", { class: "wb-pending", hidden: true, "data-testid": "pending" });
  private readonly banner = el("div", { class: "wb-banner", hidden: true, role: "alert", "data-testid": "banner" });
  private readonly task = el("div", { class: "wb-task", hidden: true, "data-testid": "task" });
  private readonly rest = el("div", { class: "wb-rest", "data-testid": "rest" });
  private readonly slot = el("div", { class: "wb-slot" });
  private readonly side = el("aside", { class: "wb-side" });
  private readonly headTools = new CommandGroup("icon", "wb-head-tools");
  private readonly tools = new CommandGroup("icon", "wb-tools");
  private readonly main = new CommandGroup("row", "wb-main");
  private readonly always = new CommandGroup("row", "wb-always");
  private restKey = "";

  constructor(menu: Menu, close: { guideline(): void; display(): void }) {
    this.guideline = new GuidelinePanel(close.guideline);
    this.display = new DisplayPanel(close.display);
    this.task.append(this.tools.element, this.slot, this.side, this.display.element);
    const bar = el("footer", { class: "wb-bar" }, this.main.element, this.always.element);
    this.element = el(
      "div",
      { class: "workbench", "data-testid": "workbench" },
      el(
        "header",
        { class: "wb-head" },
        el("div", { class: "wb-where" }, menu.brand, this.project),
        this.prompt,
        el(
          "div",
          { class: "wb-status" },
          this.pending,
          this.done,
          this.earned,
          this.link,
          this.headTools.element,
          menu.element,
        ),
      ),
      this.banner,
      el("main", { class: "wb-body" }, this.task, this.rest, this.guideline.element),
      bar,
      this.toasts.element,
    );
  }

  showSession(session: Session): void {
    this.slot.replaceChildren(session.element);
    this.side.replaceChildren(...(session.side ? [session.side] : []));
    setAll(this.task, {
      hidden: false,
      "data-kind": session.task.kind,
      "data-assignment": session.offer.assignment,
      "data-side": session.side !== null,
    });
    setAll(this.rest, { hidden: true });
    setText(this.project, session.task.project.name);
    this.restKey = "";
  }

  showRest(rest: Rest): void {
    setAll(this.task, { hidden: true, "data-kind": null, "data-assignment": null });
    setAll(this.rest, { hidden: false, "data-rest": rest.what });
    this.slot.replaceChildren();
    this.side.replaceChildren();
    const key = JSON.stringify(rest);
    if (key !== this.restKey) this.rest.replaceChildren(...restContent(rest));
    this.restKey = key;
  }

  setPrompt(text: string): void {
    setText(this.prompt, text);
    setAll(this.prompt, { title: text });
  }

  setCommands(commands: {
    tools: readonly Command[];
    main: readonly Command[];
    always: readonly Command[];
    header: readonly Command[];
  }): void {
    this.tools.show(commands.tools);
    this.main.show(commands.main);
    this.always.show(commands.always);
    this.headTools.show(commands.header);
  }

  setProgress(progress: Progress): void {
    setText(this.done, t("progress.done", { n: progress.done }));
    setText(this.earned, progress.earned ? t("progress.earned", { amount: progress.earned }) : "");
    setAll(this.earned, { title: progress.detail });
  }

  setFeed(state: FeedState, online: boolean): void {
    const at = state.link.at === "waiting" && !online ? "offline" : state.link.at;
    const text = t(`link.${at}` as MessageKey);
    setAll(this.link, { "data-link": at, title: text, "aria-label": text });
    const waiting = state.waiting.length;
    const late = waiting > 0 && state.link.at !== "open";
    setAll(this.pending, { hidden: !late });
    if (late) setText(this.pending, t("link.pending", { n: waiting }));
    this.showBanner(state);
  }

  private showBanner(state: FeedState): void {
    const { link } = state;
    const lost = link.at === "waiting" && link.attempt > 1;
    const refused = link.at === "refused" ? (link.code === TOO_MANY_TABS ? "crowded" : "refused") : null;
    const which = refused ?? (link.at === "login" ? "login" : lost ? "waiting" : null);
    setAll(this.banner, { hidden: which === null });
    if (which === null || this.banner.dataset.banner === which) {
      if (which === null) delete this.banner.dataset.banner;
      return;
    }
    this.banner.dataset.banner = which;
    this.banner.replaceChildren(icon("why"), el("span", {}, t(`banner.${which}`)));
    if (which === "login") {
      const address = `/login/?next=${encodeURIComponent(location.pathname)}`;
      this.banner.append(
        el("a", { class: "btn btn-row", href: address, target: "_blank", rel: "noopener" }, t("banner.login_link")),
      );
    }
    if (refused) {
      this.banner.append(
        el("button", { type: "button", class: "btn btn-row", onclick: () => location.reload() }, t("app.reload")),
      );
    }
  }
}

function restContent(rest: Rest): Node[] {
  switch (rest.what) {
    case "loading":
      return [mosaic(true), el("p", { class: "rest-text" }, t("app.loading"))];
    case "image_loading":
      return [mosaic(true), el("p", { class: "rest-text" }, t("app.image_loading"))];
    case "image_failed":
      return [
        mosaic(false),
        el("p", { class: "rest-title" }, t("app.image_failed")),
        el(
          "button",
          {
            type: "button",
            class: "btn btn-row tone-primary",
            "data-action": "retry-image",
            onclick: () => rest.retry(),
          },
          t("app.image_retry"),
        ),
      ];
    case "paused":
      return [
        mosaic(false),
        el("p", { class: "rest-title" }, t("paused.title")),
        ...rest.reasons.map((reason) => el("p", { class: "rest-text" }, reasonText(reason))),
        el("p", { class: "rest-text" }, t(isPersonal(rest.reasons) ? "paused.person" : "paused.text")),
      ];
    case "idle": {
      const reasons = rest.reasons.map((reason) => el("li", {}, reasonText(reason)));
      const why = reasons.length > 0 ? el("ul", { class: "rest-reasons" }, ...reasons) : null;
      return [
        mosaic(false),
        el("p", { class: "rest-title" }, t("idle.title")),
        el("p", { class: "rest-text" }, t("idle.text")),
        ...(why ? [why] : []),
      ];
    }
  }
}

/** Nine small tiles: they shimmer while something is under way. */
function mosaic(moving: boolean): HTMLElement {
  return el(
    "div",
    { class: "mosaic", "data-moving": moving, "aria-hidden": "true" },
    ...Array.from({ length: 9 }, () => el("i")),
  );
}
