/** One task being worked on: the kind's pure state, its undo history, its view and its draft. */

import type { Stage } from "../canvas/stage";
import type { PictureSet } from "../feed/pictures";
import type { JsonObject, Offer } from "../feed/protocol";
import { advance, amend, begin, type History, redo, undo } from "../lib/history";
import type { Fields } from "../lib/parse";
import type { Command } from "../ui/commands";
import { type Media, readTask, type Task } from "./task";

/** The value of an answer as far as it is known, or what is still to do. */
export type Draft = { readonly value: JsonObject } | { readonly missing: string };

/** What a kind's view may ask of the workbench. */
export interface Host<T extends Task, S> {
  readonly task: T;
  readonly state: S;
  readonly pictures: PictureSet;
  /** A step that undo takes back. */
  commit(state: S): void;
  /** A change that undo does not stop at. */
  amend(state: S): void;
  /** Commit and send at once: for one-key verdicts. */
  submit(state?: S): void;
  /** Say something short and gentle, for instance why nothing happened. */
  say(text: string): void;
  zoomed(): void;
  /** Redraw buttons without a change of state. */
  refresh(): void;
  /** Send an adjudicator's blind answer; the case comes back through `KindView.receive`. */
  reveal(blind: JsonObject): void;
  /** False in the instant after the task appeared. */
  armed(): boolean;
}

export interface KindView<S> {
  readonly element: HTMLElement;
  /** What stands beside the picture. */
  readonly side?: HTMLElement;
  /** Zoomable pictures, for the tools that all kinds share. */
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  /** Show this state. Called after every change and once after mounting. */
  render(state: S): void;
  /** What the server says to this task: `{case}` after a blind answer, or `{error}`. */
  receive?(message: Fields): void;
  destroy(): void;
}

export interface KindSpec<T extends Task, S> {
  readonly name: string;
  /** Read what the kind adds to the common payload; raises ParseError. */
  read(fields: Fields, common: Task): T;
  media?(task: T): readonly Media[];
  /** Begin to fetch what is not a picture; called when the task is offered, and again when it is opened. */
  ahead?(task: T): void;
  prompt(task: T, state: S): string;
  start(task: T): S;
  answer(task: T, state: S): Draft;
  /** What undo and redo leave as it is, such as a cursor: taken from `left` into the state that comes back. */
  carry?(left: S, back: S): S;
  mount(host: Host<T, S>): KindView<S>;
}

export interface SessionEnv {
  readonly pictures: PictureSet;
  submit(): void;
  say(text: string): void;
  zoomed(): void;
  changed(): void;
  reveal(blind: JsonObject): void;
  armed(): boolean;
}

/** A session without its types: what the workbench handles. */
export interface Session {
  readonly offer: Offer;
  readonly task: Task;
  readonly element: HTMLElement;
  readonly side: HTMLElement | null;
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  readonly edits: number;
  readonly undone: number;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Show the same state again, because its pictures are better now. */
  repaint(): void;
  prompt(): string;
  answer(): Draft;
  undo(): void;
  redo(): void;
  receive(message: Fields): void;
  /** What to keep so that a reload goes on where this stopped. */
  draft(): unknown;
  /** The same as it was before a one-key verdict was given, for when the answer is taken back. */
  draftBeforeVerdict(): unknown;
  destroy(): void;
}

export interface Kind {
  readonly name: string;
  /** Check the payload and list its pictures; raises ParseError. */
  pictures(offer: Offer): readonly Media[];
  open(offer: Offer, env: SessionEnv, draft: unknown): Session;
}

export function defineKind<T extends Task, S>(spec: KindSpec<T, S>): Kind {
  const read = (offer: Offer): T => spec.read(offer.task, readTask(offer.task));
  return {
    name: spec.name,
    pictures(offer) {
      const task = read(offer);
      spec.ahead?.(task);
      return [...task.media, ...(spec.media?.(task) ?? [])];
    },
    open: (offer, env, draft) => new TypedSession(spec, read(offer), offer, env, draft as S | null),
  };
}

class TypedSession<T extends Task, S> implements Session, Host<T, S> {
  private history: History<S>;
  private readonly view: KindView<S>;
  private mounted = false;
  private beforeVerdict: S | null = null;
  edits = 0;
  undone = 0;

  constructor(
    private readonly spec: KindSpec<T, S>,
    readonly task: T,
    readonly offer: Offer,
    private readonly env: SessionEnv,
    draft: S | null,
  ) {
    this.history = begin(draft ?? spec.start(task));
    this.view = spec.mount(this);
    this.mounted = true;
    this.view.render(this.state);
  }

  get state(): S {
    return this.history.now;
  }
  get pictures(): PictureSet {
    return this.env.pictures;
  }
  get element(): HTMLElement {
    return this.view.element;
  }
  get side(): HTMLElement | null {
    return this.view.side ?? null;
  }
  get stages(): readonly Stage[] {
    return this.view.stages;
  }
  get commands(): readonly Command[] {
    return this.view.commands;
  }
  get canUndo(): boolean {
    return this.history.past.length > 0;
  }
  get canRedo(): boolean {
    return this.history.future.length > 0;
  }

  commit(state: S): void {
    if (state === this.state) return;
    this.edits += 1;
    this.show(advance(this.history, state));
  }

  amend(state: S): void {
    if (state !== this.state) this.show(amend(this.history, state));
  }

  submit(state?: S): void {
    this.beforeVerdict = this.state;
    if (state !== undefined) this.commit(state);
    this.env.submit();
  }

  undo(): void {
    if (!this.canUndo) return;
    this.undone += 1;
    this.show(this.carried(undo(this.history)));
  }

  redo(): void {
    if (this.canRedo) this.show(this.carried(redo(this.history)));
  }

  repaint(): void {
    this.view.render(this.state);
  }
  prompt(): string {
    return this.spec.prompt(this.task, this.state);
  }
  answer(): Draft {
    return this.spec.answer(this.task, this.state);
  }
  draft(): unknown {
    return this.state;
  }
  draftBeforeVerdict(): unknown {
    return this.beforeVerdict ?? this.state;
  }
  say(text: string): void {
    this.env.say(text);
  }
  zoomed(): void {
    this.env.zoomed();
  }
  refresh(): void {
    this.env.changed();
  }
  reveal(blind: JsonObject): void {
    this.env.reveal(blind);
  }
  armed(): boolean {
    return this.env.armed();
  }
  receive(message: Fields): void {
    this.view.receive?.(message);
  }
  destroy(): void {
    this.view.destroy();
  }

  private carried(history: History<S>): History<S> {
    return this.spec.carry ? amend(history, this.spec.carry(this.state, history.now)) : history;
  }

  private show(history: History<S>): void {
    this.history = history;
    if (!this.mounted) return;
    this.view.render(this.state);
    this.env.changed();
  }
}
