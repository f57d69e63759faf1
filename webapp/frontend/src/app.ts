/** The workbench: takes the first offer of the feed, shows its kind, sends the answer, shows the next. */

import { display } from "./canvas/display";
import { FeedClient } from "./feed/client";
import type { Outbox } from "./feed/outbox";
import { PictureShelf } from "./feed/pictures";
import {
  type AnswerMessage,
  APP,
  type AssignmentId,
  type InputDevice,
  type Offer,
  type Outcome,
  type Report,
} from "./feed/protocol";
import type { FeedState, Notice } from "./feed/state";
import { kinds } from "./kinds";
import type { Kind, Session } from "./kinds/session";
import { RESTED, STRETCH_MS, type Stretch, worked } from "./lib/breaks";
import { ActiveClock, type Spent, together } from "./lib/clock";
import { Drafts } from "./lib/drafts";
import { ParseError } from "./lib/parse";
import { Saver } from "./lib/saver";
import { count, earned, readTally } from "./lib/tally";
import { language, t } from "./messages";
import { COMMAND_EVENT, type CommandPress } from "./ui/buttons";
import type { Chord, Command } from "./ui/commands";
import { reportDialog, WhyDialog } from "./ui/dialogs";
import { beside, globalCommands } from "./ui/global_commands";
import { goldText } from "./ui/gold";
import { classAskedOf } from "./ui/guideline";
import { helpDialog } from "./ui/help";
import { Keyboard } from "./ui/keyboard";
import { languageField } from "./ui/language";
import { Menu } from "./ui/menu";
import { Meter } from "./ui/meter";
import { reasonText, refusalText } from "./ui/said";
import { saverField } from "./ui/saver_field";
import { Shell } from "./ui/shell";
import { themeButton } from "./ui/theme";
import { windowCommands } from "./ui/window_controls";

export interface AppOptions {
  readonly url: string;
  readonly owner: string;
  readonly wagePerHour: number;
  readonly currency: string;
  readonly outbox: Outbox;
  readonly graceMs: number;
  readonly loggedIn: () => Promise<boolean>;
}

/** Keys and clicks in the first instant of a new task were meant for the last one. */
export const DEAD_MS = 250;
const AWAY_AFTER_MS = 120_000;
const EXTEND_EVERY_MS = 20_000;
const AT_WORK_WITHIN_MS = 60_000;
const DRAFT_AFTER_MS = 300;
const NO_TIME: Spent = { active_ms: 0, hidden_ms: 0, idle_ms: 0 };
const TOLD_OF_UNDO = "tessera-told-of-undo";
const SINGLE_KEYS = "tessera-single-keys";

export class App {
  readonly meter = new Meter();
  private stretch: Stretch = RESTED;
  readonly feed: FeedClient;
  private readonly shell: Shell;
  private readonly saver = new Saver((on) => this.saves(on));
  private readonly pictures = new PictureShelf(
    (assignment) => this.picturesChanged(assignment),
    () => this.saver.on,
  );
  private readonly drafts = new Drafts(globalThis.sessionStorage ?? null, APP);
  private readonly why = new WhyDialog();
  private readonly globals: readonly Command[];
  private readonly windowing = windowCommands((text) => {
    if (!this.shell.display.shown) this.shell.toasts.show(text);
  });
  private session: Session | null = null;
  private commands: readonly (readonly Command[])[] = [];
  private clock: ActiveClock | null = null;
  private paintedMs = Number.POSITIVE_INFINITY;
  private zooms = 0;
  private device: InputDevice = "key";
  private actedMs = performance.now();
  private lastSent: { readonly assignment: AssignmentId; readonly draft: unknown; readonly spent: Spent } | null = null;
  /** Time on the task on screen before it was answered and taken back. */
  private spentBefore: Spent = NO_TIME;
  private extendedMs = new Map<AssignmentId, number>();
  private drafting: ReturnType<typeof setTimeout> | undefined;
  private leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(
    root: HTMLElement,
    private readonly options: AppOptions,
  ) {
    this.globals = globalCommands({
      stages: () => this.session?.stages ?? [],
      holding: () => this.offer !== null,
      unsure: () => this.send("unsure"),
      skip: () => this.send("skip"),
      report: () => this.report(),
      help: () => this.help(),
      guideline: () => this.toggleGuideline(),
      guidelineShown: () => this.shell.guideline.shown,
      display: () => this.toggleDisplay(),
      displayShown: () => this.shell.display.shown,
      why: () => this.askWhy(),
      undo: () => this.undo(),
      redo: () => this.session?.redo(),
      canUndo: () => (this.session?.canUndo ?? false) || this.feed.revocable !== null,
      canRedo: () => this.session?.canRedo ?? false,
    });
    this.shell = new Shell(new Menu([languageField(), saverField(this.saver), themeButton()]), {
      guideline: () => this.toggleGuideline(),
      display: () => this.toggleDisplay(),
    });
    root.replaceChildren(this.shell.element);
    this.feed = new FeedClient(options, {
      changed: (state) => this.feedChanged(state),
      notice: (notice) => this.notice(notice),
      fetch: (offer) => this.fetch(offer),
      discard: (assignment) => this.pictures.discard(assignment),
    });
    new Keyboard({
      commands: () => this.commands,
      invoke: (command, chord) => {
        this.device = "key";
        this.invoke(command, chord);
      },
      release: (command) => this.release(command),
      singleKeys: () => singleKeys(),
    });
    this.feed.lean = this.saver.on;
    this.listen();
    this.showProgress();
    this.feedChanged(this.feed.state);
  }

  start(): Promise<void> {
    return this.feed.start();
  }

  /** What browser tests and the benchmark may read. */
  get debug(): Record<string, unknown> {
    const { state } = this.feed;
    return {
      link: state.link.at,
      kind: this.session?.task.kind ?? null,
      assignment: this.session?.offer.assignment ?? null,
      offers: state.offers.length,
      waiting: state.waiting.length,
      idle: state.idle,
      paused: state.paused,
      task: this.session?.draft() ?? null,
      views: this.session?.stages.map((stage) => stage.view) ?? [],
      armed: this.armed(),
      saves: this.saver.on,
      window: display.window,
    };
  }

  private get offer(): Offer | null {
    return this.feed.state.offers[0] ?? null;
  }

  // The feed ---------------------------------------------------------------------------------------------------------

  private feedChanged(state: FeedState): void {
    this.shell.setFeed(state, navigator.onLine);
    const offer = state.offers[0] ?? null;
    if (!offer) {
      this.leave();
      if (state.paused !== null) this.shell.showRest({ what: "paused", reasons: state.paused });
      else if (state.idle !== null) this.shell.showRest({ what: "idle", reasons: state.idle });
      else this.shell.showRest({ what: "loading" });
      this.shell.setPrompt("");
    } else if (this.session?.offer.assignment !== offer.assignment) {
      this.open(offer);
    }
    this.refresh();
  }

  private fetch(offer: Offer): void {
    const kind = kinds.get(String(offer.task.kind));
    try {
      if (kind) this.pictures.fetch(offer.assignment, kind.pictures(offer));
    } catch (error) {
      if (!(error instanceof ParseError)) throw error; // Opening it says what is wrong.
    }
  }

  private picturesChanged(assignment: AssignmentId): void {
    if (this.offer?.assignment !== assignment) return;
    if (!this.session) this.open(this.offer);
    for (const stage of this.session?.stages ?? []) stage.request();
    this.session?.repaint();
    this.refresh();
  }

  private saves(on: boolean): void {
    this.feed.lean = on;
    if (on && this.saver.choice === "auto") this.shell.toasts.show(t("saver.began"));
    if (!on && this.offer) this.pictures.refine(this.offer.assignment);
  }

  private notice(notice: Notice): void {
    switch (notice.about) {
      case "acked":
        this.acknowledged(notice);
        break;
      case "refused":
        this.meter.refused += 1;
        this.shell.toasts.show(t("toast.refused", { detail: refusalText(notice.code, notice.message) }), "bad");
        break;
      case "withdrawn":
        this.shell.toasts.show(notice.reasons.map(reasonText).join(" ") || t("toast.withdrawn"), "warn");
        break;
      case "case":
        if (this.session?.offer.assignment === notice.assignment) this.session.receive({ case: notice.case });
        break;
      case "explanation":
        this.why.tell(notice.why, notice.asked, notice.terms);
        break;
      case "error":
        if (notice.ref !== null && this.session?.offer.assignment === notice.ref)
          this.session.receive({ error: refusalText(notice.code, notice.message) });
        this.shell.toasts.show(t("toast.error", { detail: refusalText(notice.code, notice.message) }), "bad");
    }
  }

  private acknowledged(notice: Extract<Notice, { about: "acked" }>): void {
    const { answer, feedback, late } = notice;
    this.meter.acknowledged += 1;
    const answered = answer.outcome === "answered" || answer.outcome === "unsure";
    count(localStorage, this.options.owner, new Date(), answered, answer.telemetry.active_ms);
    const { stretch, tired } = worked(this.stretch, Date.now(), answer.telemetry.active_ms);
    this.stretch = stretch;
    if (tired) this.shell.toasts.show(t("toast.break", { n: Math.round(STRETCH_MS / 60_000) }));
    this.showProgress();
    if (late) this.shell.toasts.show(t("toast.late"), "warn");
    if (!feedback) return;
    this.shell.toasts.show(goldText(feedback), feedback.correct ? "good" : "warn");
  }

  // The task on screen -------------------------------------------------------------------------------------------------

  private open(offer: Offer): void {
    this.leave();
    const kind = kinds.get(String(offer.task.kind));
    if (!kind) {
      this.shell.toasts.show(t("app.unknown_kind", { kind: String(offer.task.kind) }), "bad");
      this.feed.release(offer);
      return;
    }
    try {
      kind.pictures(offer);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.broken(offer, error.message);
      return;
    }
    const pictures = this.pictures.of(offer.assignment);
    if (pictures?.status === "ready") {
      this.show(offer, kind);
    } else if (pictures?.status === "failed") {
      this.shell.showRest({ what: "image_failed", retry: () => this.retry(offer) });
    } else {
      this.shell.showRest({ what: "image_loading" });
      this.fetch(offer); // Put back after a refused answer, its pictures may be gone.
    }
  }

  private show(offer: Offer, kind: Kind): void {
    const pictures = this.pictures.of(offer.assignment);
    if (!pictures) return;
    const env = {
      pictures,
      submit: () => this.submit(),
      say: (text: string) => this.shell.toasts.show(text),
      zoomed: () => {
        this.zooms += 1;
        this.pictures.refine(offer.assignment);
      },
      changed: () => this.changed(),
      reveal: (blind: Parameters<FeedClient["reveal"]>[1]) => {
        if (!this.feed.reveal(offer, blind)) queueMicrotask(() => this.session?.receive({ error: "offline" }));
      },
      armed: () => this.armed(),
    };
    this.session = restored(kind, offer, env, this.drafts.read(offer.assignment));
    this.zooms = 0;
    this.paintedMs = Number.POSITIVE_INFINITY;
    this.shell.showSession(this.session);
    this.shell.guideline.set(this.session.task.guideline, classAskedOf(offer.task));
    display.greys = kind.pictures(offer).find((medium) => medium.deep)?.deep ?? null;
    for (const stage of this.session.stages) stage.paintNow();
    this.refresh();
    this.focusTask();
    this.meter.shown();
    this.meter.afterPaint(() => {
      this.paintedMs = performance.now();
      this.clock = new ActiveClock(this.paintedMs, document.hidden);
    });
  }

  private leave(): void {
    clearTimeout(this.drafting);
    this.session?.destroy();
    this.session = null;
    this.clock = null;
    this.spentBefore = NO_TIME;
    this.paintedMs = Number.POSITIVE_INFINITY;
  }

  private submit(): void {
    if (!this.session || !this.armed()) return;
    const draft = this.session.answer();
    if ("missing" in draft) this.shell.toasts.show(draft.missing);
    else this.send("answered", draft.value);
  }

  private send(outcome: Outcome, value: AnswerMessage["value"] = null, report: Report | null = null): void {
    const { offer, session } = this;
    if (!offer) return;
    const spent = together(this.spentBefore, this.clock?.spent(performance.now()) ?? NO_TIME);
    const counts = { edits: session?.edits ?? 0, undo: session?.undone ?? 0, zoom: this.zooms };
    this.meter.submitted(this.feed.state.offers.length > 1);
    this.drafts.forget(offer.assignment);
    this.lastSent = session && { assignment: offer.assignment, draft: session.draftBeforeVerdict(), spent };
    this.extendedMs.delete(offer.assignment);
    this.feed.submit({
      type: "answer",
      id: newId(),
      assignment: offer.assignment,
      lease: offer.lease,
      outcome,
      value,
      report,
      telemetry: { ...spent, ...counts, input: this.device },
    });
    this.tellOfUndo();
  }

  private undo(): void {
    if (this.session?.canUndo) this.session.undo();
    else this.takeBack();
  }

  /** Open the task of the last answer again, as it was; what was begun meanwhile waits behind it. */
  private takeBack(): void {
    const { lastSent, session } = this;
    if (this.feed.revocable === null || this.feed.revocable !== lastSent?.assignment) return;
    clearTimeout(this.drafting);
    if (session) this.drafts.keep(session.offer.assignment, session.draft());
    this.drafts.keep(lastSent.assignment, lastSent.draft);
    this.feed.takeBack();
    this.spentBefore = lastSent.spent;
    this.shell.toasts.show(t("toast.taken_back"));
  }

  /** Once per browser: that an answer can be taken back. */
  private tellOfUndo(): void {
    if (this.options.graceMs === 0 || localStorage.getItem(TOLD_OF_UNDO)) return;
    localStorage.setItem(TOLD_OF_UNDO, "yes");
    this.shell.toasts.show(t("toast.can_take_back", { n: Math.round(this.options.graceMs / 1000) }));
  }

  private broken(offer: Offer, detail: string): void {
    this.shell.toasts.show(t("app.broken_task", { detail }), "bad");
    // Not inside the feed's own turn: it is still telling about this offer.
    queueMicrotask(() => {
      if (this.offer?.assignment === offer.assignment) this.send("report", null, { code: "broken_ui", text: detail });
    });
  }

  private retry(offer: Offer): void {
    this.pictures.retry(offer.assignment);
    this.shell.showRest({ what: "image_loading" });
  }

  private changed(): void {
    this.refresh();
    clearTimeout(this.drafting);
    this.drafting = setTimeout(() => {
      if (this.session) this.drafts.keep(this.session.offer.assignment, this.session.draft());
    }, DRAFT_AFTER_MS);
  }

  private refresh(): void {
    const own = this.session?.commands ?? [];
    const globals = this.globalsBeside(own);
    this.commands = [own, globals];
    const at = (place: Command["place"], lists: readonly Command[]): Command[] =>
      lists.filter((c) => c.place === place);
    this.shell.setCommands({
      main: at("main", own),
      tools: this.session ? [...at("tools", own), ...at("tools", globals)] : [],
      always: this.offer ? at("always", globals) : [],
      header: at("header", globals),
    });
    if (this.session) this.shell.setPrompt(this.session.prompt());
  }

  private besideOf: readonly Command[] | null = null;
  private besideList: readonly Command[] = [];

  /** Made once per task, because buttons are rebuilt when their commands are other ones. */
  private globalsBeside(own: readonly Command[]): readonly Command[] {
    if (this.besideOf !== own) {
      this.besideOf = own;
      const globals = display.greys ? [...this.globals, ...this.windowing] : this.globals;
      this.besideList = beside(own, globals, (this.session?.stages.length ?? 0) > 0);
    }
    return this.besideList;
  }

  // Hands ----------------------------------------------------------------------------------------------------------------

  private armed(): boolean {
    return performance.now() - this.paintedMs >= DEAD_MS;
  }

  private invoke(command: Command, chord: Chord | null): void {
    if (command.guarded && this.session && !this.armed()) return;
    if (command.enabled && !command.enabled()) {
      if (command.whyNot) this.shell.toasts.show(command.whyNot);
      return;
    }
    command.run(chord);
    this.refresh();
  }

  private release(command: Command): void {
    command.release?.();
    this.refresh();
  }

  private listen(): void {
    this.shell.element.addEventListener(COMMAND_EVENT, (event) => {
      const { command, phase } = (event as CustomEvent<CommandPress>).detail;
      if (phase === "press") this.invoke(command, null);
      else this.release(command);
    });
    for (const type of ["pointermove", "pointerdown", "keydown", "wheel"] as const) {
      window.addEventListener(type, (event) => this.acted(event), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => this.visibility(document.hidden));
    window.addEventListener("online", () => this.feed.back());
    window.addEventListener("offline", () => this.shell.setFeed(this.feed.state, false));
    window.addEventListener("focus", () => this.feed.back());
    window.addEventListener("pagehide", () => this.feed.flush());
    display.onChange(() => {
      if (display.window && display.greys && this.offer) this.pictures.deepen(this.offer.assignment);
    });
    setInterval(() => this.extend(), EXTEND_EVERY_MS);
  }

  private acted(event: Event): void {
    this.actedMs = performance.now();
    this.clock?.activity(this.actedMs);
    if (event instanceof PointerEvent && event.type === "pointerdown") {
      this.device = event.pointerType === "touch" ? "touch" : "mouse";
    }
  }

  private visibility(hidden: boolean): void {
    this.clock?.visibility(hidden, performance.now());
    clearTimeout(this.leaving);
    if (hidden) this.feed.flush();
    if (hidden) this.leaving = setTimeout(() => this.feed.away(), AWAY_AFTER_MS);
    else this.feed.back();
  }

  /** Long tasks keep their lease for as long as somebody is at work. */
  private extend(): void {
    const nowMs = performance.now();
    if (document.hidden || nowMs - this.actedMs > AT_WORK_WITHIN_MS) return;
    for (const offer of this.feed.state.offers) {
      const sinceMs = this.extendedMs.get(offer.assignment);
      if (sinceMs === undefined) this.extendedMs.set(offer.assignment, nowMs);
      else if (nowMs - sinceMs > (offer.leaseSeconds * 1000) / 3) {
        this.extendedMs.set(offer.assignment, nowMs);
        this.feed.extend(offer);
      }
    }
  }

  private report(): void {
    const { offer } = this;
    if (!offer) return;
    reportDialog((report) => {
      if (this.offer?.assignment === offer.assignment) this.send("report", null, report);
    });
  }

  private help(): void {
    const [task = [], everywhere = []] = this.commands;
    helpDialog({
      task,
      everywhere,
      singleKeys: singleKeys(),
      setSingleKeys: (on) => localStorage.setItem(SINGLE_KEYS, on ? "on" : "off"),
      rekeyed: () => this.rekeyed(),
    });
  }

  /** Buttons show their keys: the task is opened again, as it is. */
  private rekeyed(): void {
    const { offer, session } = this;
    this.besideOf = null;
    if (offer && session) {
      this.drafts.keep(offer.assignment, session.draft());
      this.open(offer);
    }
    this.refresh();
  }

  private toggleGuideline(): void {
    this.shell.guideline.show(!this.shell.guideline.shown);
    this.refresh();
  }

  private toggleDisplay(): void {
    this.shell.display.show(!this.shell.display.shown);
    if (!this.shell.display.shown) this.focusTask();
    this.refresh();
  }

  private askWhy(): void {
    if (this.offer) this.why.ask(this.feed.explain(this.offer.assignment));
  }

  private focusTask(): void {
    const focused = document.activeElement;
    if (
      focused &&
      focused !== document.body &&
      this.shell.element.contains(focused) &&
      focused.closest(".wb-bar, .wb-head")
    )
      return;
    const target = this.session?.stages[0]?.root ?? this.session?.element.querySelector<HTMLElement>("[tabindex]");
    target?.focus({ preventScroll: true });
  }

  private showProgress(): void {
    const tally = readTally(localStorage, this.options.owner, new Date());
    const { wagePerHour, currency } = this.options;
    const money = new Intl.NumberFormat(language, { style: "currency", currency });
    this.shell.setProgress({
      done: tally.done,
      earned: wagePerHour > 0 ? money.format(earned(tally, wagePerHour)) : null,
      detail: t("progress.detail", { n: Math.round(tally.activeMs / 60_000), rate: money.format(wagePerHour) }),
    });
  }
}

/** A session from a draft; a draft that does not fit is dropped. */
function restored(kind: Kind, offer: Offer, env: Parameters<Kind["open"]>[1], draft: unknown): Session {
  if (draft === null) return kind.open(offer, env, null);
  try {
    return kind.open(offer, env, draft);
  } catch {
    return kind.open(offer, env, null);
  }
}

function singleKeys(): boolean {
  return localStorage.getItem(SINGLE_KEYS) !== "off";
}

/** A random UUID; `crypto.randomUUID` exists only on https and localhost. */
function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
