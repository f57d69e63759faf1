/** The shell around the feed's reducer: a socket, the outbox, timers. It decides nothing. */

import { ParseError } from "../lib/parse";
import type { Outbox } from "./outbox";
import { type AnswerMessage, type AssignmentId, type JsonObject, type Offer, readMessage } from "./protocol";
import { Link } from "./socket";
import {
  beginFeed,
  type Effect,
  type FeedEvent,
  type FeedState,
  LEAN_PREFETCH,
  type Notice,
  PREFETCH,
  reduce,
  revocable,
} from "./state";

export interface FeedListener {
  changed(state: FeedState): void;
  notice(notice: Notice): void;
  fetch(offer: Offer): void;
  discard(assignment: AssignmentId): void;
}

export interface FeedOptions {
  readonly url: string;
  readonly owner: string;
  readonly outbox: Outbox;
  readonly graceMs: number;
  readonly loggedIn: () => Promise<boolean>;
}

const TICK_MS = 2_000;
const SETTLE_MS = 5_000;

export class FeedClient {
  state: FeedState;
  private readonly link: Link;
  private readonly ticker: ReturnType<typeof setInterval>;
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: FeedOptions,
    private readonly listener: FeedListener,
  ) {
    this.state = beginFeed(options.owner, PREFETCH, options.graceMs);
    this.link = new Link(
      { url: options.url, loggedIn: options.loggedIn },
      {
        opened: () => this.dispatch({ type: "opened" }),
        frame: (data) => this.frame(data),
        changed: (state) => this.dispatch({ type: "link", state }),
      },
    );
    this.ticker = setInterval(() => this.dispatch({ type: "tick", nowMs: Date.now() }), TICK_MS);
  }

  async start(): Promise<void> {
    const entries = await this.options.outbox.all(this.options.owner);
    this.dispatch({ type: "restored", entries, nowMs: Date.now() });
    this.link.connect();
  }

  submit(answer: AnswerMessage): void {
    this.dispatch({ type: "submit", answer, nowMs: Date.now() });
  }

  /** The assignment whose answer can still be taken back. */
  get revocable(): AssignmentId | null {
    return revocable(this.state, Date.now())?.message.assignment ?? null;
  }

  takeBack(): void {
    this.dispatch({ type: "take_back", nowMs: Date.now() });
  }

  flush(): void {
    this.dispatch({ type: "flush", nowMs: Date.now() });
  }

  /** Fetch less ahead, or as much as usual again. */
  set lean(on: boolean) {
    this.dispatch({ type: "want", want: on ? LEAN_PREFETCH : PREFETCH });
  }

  extend(offer: Offer): void {
    this.link.send({ type: "extend", assignment: offer.assignment, lease: offer.lease });
  }

  release(offer: Offer): void {
    this.link.send({ type: "release", assignment: offer.assignment, lease: offer.lease });
    this.dispatch({ type: "drop", assignment: offer.assignment });
  }

  explain(assignment: AssignmentId): boolean {
    return this.link.send({ type: "explain", assignment });
  }

  reveal(offer: Offer, blind: JsonObject): boolean {
    return this.link.send({ type: "reveal", assignment: offer.assignment, lease: offer.lease, blind });
  }

  /** Nobody is looking: give back what is only fetched ahead. */
  away(): void {
    this.dispatch({ type: "away" });
  }

  back(): void {
    this.link.hurry();
    this.dispatch({ type: "back" });
  }

  close(): void {
    clearInterval(this.ticker);
    clearTimeout(this.settling);
    this.link.close();
  }

  private frame(data: string): void {
    try {
      const message = readMessage(data);
      if (message) this.dispatch({ type: "message", message, nowMs: Date.now() });
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.listener.notice({ about: "error", code: "server", message: error.message, ref: null });
    }
  }

  private dispatch(event: FeedEvent): void {
    const [next, effects] = reduce(this.state, event);
    const changed = next !== this.state;
    this.state = next;
    for (const effect of effects) this.carryOut(effect);
    if (changed) this.listener.changed(this.state);
  }

  private carryOut(effect: Effect): void {
    switch (effect.do) {
      case "send":
        this.link.send(effect.message);
        break;
      case "store":
        void this.options.outbox.put(effect.entry);
        break;
      case "forget":
        void this.options.outbox.remove(effect.id);
        break;
      case "fetch":
        this.listener.fetch(effect.offer);
        break;
      case "discard":
        this.listener.discard(effect.assignment);
        break;
      case "notify":
        this.listener.notice(effect.notice);
        break;
      case "welcomed":
        this.link.welcomed(effect.heartbeatSeconds);
        clearTimeout(this.settling);
        this.settling = setTimeout(() => this.dispatch({ type: "settled" }), SETTLE_MS);
        break;
      case "wake":
        setTimeout(() => this.dispatch({ type: "tick", nowMs: Date.now() }), effect.ms);
        break;
      case "come_back":
        this.link.comeBack(effect.seconds);
        break;
    }
  }
}
