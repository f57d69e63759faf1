/**
 * What the workbench knows of its feed, as a pure reducer: every event gives the next state and the effects that the
 * shell (client.ts) carries out. The first offer is the task on screen; the others are being fetched and decoded.
 */

import type { Pending } from "./outbox";
import type { AnswerMessage, AssignmentId, ClientMessage, Feedback, Offer, Said, ServerMessage } from "./protocol";
import { APP, PROTOCOL_VERSION } from "./protocol";
import type { LinkState } from "./socket";

export interface Held extends Offer {
  /** False from a reconnection until the server offers it again. */
  readonly confirmed: boolean;
}

export interface Waiting extends Pending {
  /** The task it answers, to put it back should the server refuse the answer; null after a reload. */
  readonly offer: Offer | null;
  readonly sentMs: number | null;
  /** Until then it can be taken back and is not sent; null for one that waits only for the connection. */
  readonly heldUntilMs: number | null;
}

export interface FeedState {
  readonly owner: string;
  readonly link: LinkState;
  readonly welcomed: boolean;
  readonly want: number;
  /** How long the newest answer can be taken back, milliseconds; 0 sends at once. */
  readonly graceMs: number;
  readonly away: boolean;
  readonly offers: readonly Held[];
  readonly waiting: readonly Waiting[];
  readonly idle: readonly Said[] | null;
  readonly paused: readonly Said[] | null;
}

export type Notice =
  | {
      readonly about: "acked";
      readonly answer: AnswerMessage;
      readonly late: boolean;
      readonly feedback: Feedback | null;
    }
  | { readonly about: "refused"; readonly code: string; readonly message: string }
  | { readonly about: "withdrawn"; readonly reasons: readonly Said[] }
  | { readonly about: "error"; readonly code: string; readonly message: string; readonly ref: AssignmentId | null }
  | { readonly about: "case"; readonly assignment: AssignmentId; readonly case: Readonly<Record<string, unknown>> }
  | {
      readonly about: "explanation";
      readonly assignment: AssignmentId;
      readonly why: readonly Said[];
      readonly asked: readonly Said[];
      readonly terms: unknown;
    };

export type Effect =
  | { readonly do: "send"; readonly message: ClientMessage }
  | { readonly do: "store"; readonly entry: Pending }
  | { readonly do: "forget"; readonly id: string }
  | { readonly do: "fetch"; readonly offer: Offer }
  | { readonly do: "discard"; readonly assignment: AssignmentId }
  | { readonly do: "notify"; readonly notice: Notice }
  | { readonly do: "welcomed"; readonly heartbeatSeconds: number }
  | { readonly do: "come_back"; readonly seconds: number }
  /** Dispatch a tick after so long. */
  | { readonly do: "wake"; readonly ms: number };

export type FeedEvent =
  | { readonly type: "link"; readonly state: LinkState }
  | { readonly type: "opened" }
  | { readonly type: "message"; readonly message: ServerMessage; readonly nowMs: number }
  | { readonly type: "submit"; readonly answer: AnswerMessage; readonly nowMs: number }
  | { readonly type: "restored"; readonly entries: readonly Pending[]; readonly nowMs: number }
  /** The server has had time to offer again what we hold. */
  | { readonly type: "settled" }
  | { readonly type: "tick"; readonly nowMs: number }
  /** The newest answer was not meant. */
  | { readonly type: "take_back"; readonly nowMs: number }
  /** The page is being left: nothing is held any longer. */
  | { readonly type: "flush"; readonly nowMs: number }
  | { readonly type: "away" | "back" }
  /** Hold this many offers from now on, the one on screen included. */
  | { readonly type: "want"; readonly want: number }
  | { readonly type: "drop"; readonly assignment: AssignmentId };

export type Reduced = readonly [FeedState, readonly Effect[]];

export const PREFETCH = 3;
/** On a slow connection: the task on screen and one ahead. */
export const LEAN_PREFETCH = 2;
/** An answer unacknowledged for this long on an open socket is sent again. */
export const RESEND_AFTER_MS = 10_000;
const RETRY_CODES: readonly string[] = ["rate_limited", "server"];

export function beginFeed(owner: string, want = PREFETCH, graceMs = 0): FeedState {
  return {
    owner,
    link: { at: "connecting" },
    welcomed: false,
    want,
    graceMs,
    away: false,
    offers: [],
    waiting: [],
    idle: null,
    paused: null,
  };
}

export function reduce(state: FeedState, event: FeedEvent): Reduced {
  switch (event.type) {
    case "link":
      return [{ ...state, link: event.state, welcomed: state.welcomed && event.state.at === "open" }, []];
    case "opened":
      return [state, [send({ type: "hello", v: PROTOCOL_VERSION, app: APP })]];
    case "message":
      return received(state, event.message, event.nowMs);
    case "submit":
      return submitted(state, event.answer, event.nowMs);
    case "restored":
      return restored(state, event.entries, event.nowMs);
    case "settled":
      return settled(state);
    case "tick":
      return resend(state, event.nowMs, (entry) =>
        entry.sentMs === null ? (entry.heldUntilMs ?? 0) <= event.nowMs : event.nowMs - entry.sentMs >= RESEND_AFTER_MS,
      );
    case "take_back":
      return takenBack(state, event.nowMs);
    case "flush":
      return resend(state, event.nowMs, (entry) => entry.sentMs === null);
    case "away":
      return wentAway(state);
    case "back":
      return state.away ? [{ ...state, away: false }, state.welcomed ? [ready(state.want)] : []] : [state, []];
    case "want":
      if (event.want === state.want) return [state, []];
      return [{ ...state, want: event.want }, state.welcomed && !state.away ? [ready(event.want)] : []];
    case "drop":
      return without(state, event.assignment, []);
  }
}

function received(state: FeedState, m: ServerMessage, nowMs: number): Reduced {
  switch (m.type) {
    case "welcome":
      return welcomed(state, m.heartbeatSeconds, nowMs);
    case "offer":
      return offered(state, m.offer);
    case "ack":
      return acknowledged(state, m.id, m.status === "late", m.feedback);
    case "idle":
      return [{ ...state, idle: m.reasons }, []];
    case "revoked":
      return revoked(state, m.assignment, m.reasons);
    case "paused":
      return [{ ...state, paused: m.reasons }, []];
    case "resumed":
      return [{ ...state, paused: null }, []];
    case "drain":
      return [{ ...state, welcomed: false }, [{ do: "come_back", seconds: m.reconnectSeconds }]];
    case "case":
      return [state, [notify({ about: "case", assignment: m.assignment, case: m.case })]];
    case "explanation":
      return [
        state,
        [notify({ about: "explanation", assignment: m.assignment, why: m.why, asked: m.asked, terms: m.terms })],
      ];
    case "error":
      return failed(state, m.code, m.message, m.ref);
    case "pong":
      return [state, []];
  }
}

function welcomed(state: FeedState, heartbeatSeconds: number, nowMs: number): Reduced {
  // Answers go first: what they answer must not be offered again.
  const [next, resent] = resend({ ...state, welcomed: true, paused: null, idle: null }, nowMs, () => true);
  const offers = next.offers.map((offer) => ({ ...offer, confirmed: false }));
  return [{ ...next, offers }, [{ do: "welcomed", heartbeatSeconds }, ...resent, ready(state.away ? 0 : state.want)]];
}

function offered(state: FeedState, offer: Offer): Reduced {
  if (state.waiting.some((entry) => entry.message.assignment === offer.assignment)) return [state, []];
  const held = state.offers.some((o) => o.assignment === offer.assignment);
  if (held) {
    // The same task under a new lease: what was done on it stays on screen.
    const offers = state.offers.map((o) =>
      o.assignment === offer.assignment
        ? { ...o, lease: offer.lease, leaseSeconds: offer.leaseSeconds, confirmed: true }
        : o,
    );
    return [{ ...state, offers, idle: null }, []];
  }
  return [{ ...state, offers: [...state.offers, { ...offer, confirmed: true }], idle: null }, [{ do: "fetch", offer }]];
}

function submitted(state: FeedState, answer: AnswerMessage, nowMs: number): Reduced {
  // Only the newest answer can be taken back.
  const [before, effects] = resend(state, nowMs, (entry) => entry.sentMs === null);
  const offer = state.offers.find((o) => o.assignment === answer.assignment) ?? null;
  const held = state.graceMs > 0 && offer !== null;
  const sent = state.welcomed && !held;
  const entry: Pending = { owner: state.owner, message: answer, at: nowMs };
  const waiting: Waiting = {
    ...entry,
    offer,
    sentMs: sent ? nowMs : null,
    heldUntilMs: held ? nowMs + state.graceMs : null,
  };
  const next = {
    ...before,
    offers: state.offers.filter((o) => o.assignment !== answer.assignment),
    waiting: [...before.waiting, waiting],
  };
  const then: Effect[] = held ? [{ do: "wake", ms: state.graceMs }] : sent ? [send(answer)] : [];
  return [next, [...effects, { do: "store", entry }, ...then]];
}

/** The answer that could still be taken back. */
export function revocable(state: FeedState, nowMs: number): Waiting | null {
  const last = state.waiting.at(-1);
  return last?.offer && last.sentMs === null && nowMs < (last.heldUntilMs ?? 0) ? last : null;
}

function takenBack(state: FeedState, nowMs: number): Reduced {
  const last = revocable(state, nowMs);
  if (!last?.offer) return [state, []];
  const again: Held = { ...last.offer, confirmed: true };
  const next = {
    ...state,
    waiting: state.waiting.filter((entry) => entry !== last),
    offers: [again, ...state.offers],
  };
  return [next, [{ do: "forget", id: last.message.id }]];
}

function restored(state: FeedState, entries: readonly Pending[], nowMs: number): Reduced {
  const known = new Set(state.waiting.map((entry) => entry.message.id));
  const fresh = entries
    .filter((entry) => !known.has(entry.message.id))
    // Another tab may still let its person take the newest one back.
    .map((e) => ({ ...e, offer: null, sentMs: null, heldUntilMs: e.at + state.graceMs }));
  const answered = new Set(fresh.map((entry) => entry.message.assignment));
  const gone = state.offers.filter((o) => answered.has(o.assignment));
  const next = {
    ...state,
    waiting: [...fresh, ...state.waiting],
    offers: state.offers.filter((o) => !answered.has(o.assignment)),
  };
  const [sent, effects] = resend(next, nowMs, (entry) => entry.sentMs === null && (entry.heldUntilMs ?? 0) <= nowMs);
  return [sent, [...gone.map((o): Effect => ({ do: "discard", assignment: o.assignment })), ...effects]];
}

function acknowledged(state: FeedState, id: string, late: boolean, feedback: Feedback | null): Reduced {
  const entry = state.waiting.find((e) => e.message.id === id);
  const effects: Effect[] = [{ do: "forget", id }];
  if (!entry) return [state, effects];
  effects.push({ do: "discard", assignment: entry.message.assignment });
  effects.push(notify({ about: "acked", answer: entry.message, late, feedback }));
  return [{ ...state, waiting: state.waiting.filter((e) => e !== entry) }, effects];
}

function failed(state: FeedState, code: string, message: string, ref: AssignmentId | null): Reduced {
  const entry = state.waiting.find((e) => e.message.id === ref);
  if (entry && RETRY_CODES.includes(code)) return [state, []];
  if (entry) return refused(state, entry, code, message);
  if (ref !== null && code === "bad_lease" && state.offers.some((o) => o.assignment === ref))
    return revoked(state, ref, []);
  return [state, [notify({ about: "error", code, message, ref })]];
}

function refused(state: FeedState, entry: Waiting, code: string, message: string): Reduced {
  const waiting = state.waiting.filter((e) => e !== entry);
  const effects: Effect[] = [{ do: "forget", id: entry.message.id }, notify({ about: "refused", code, message })];
  if (code !== "bad_answer" || !entry.offer) {
    return [{ ...state, waiting }, [...effects, { do: "discard", assignment: entry.message.assignment }]];
  }
  // The lease is still ours: the task comes again after the one that is on screen now.
  const [first, ...rest] = state.offers;
  const again: Held = { ...entry.offer, confirmed: true };
  return [{ ...state, waiting, offers: first ? [first, again, ...rest] : [again] }, effects];
}

function revoked(state: FeedState, assignment: AssignmentId, reasons: readonly Said[]): Reduced {
  const onScreen = state.offers[0]?.assignment === assignment;
  return without(state, assignment, onScreen ? [notify({ about: "withdrawn", reasons })] : []);
}

function without(state: FeedState, assignment: AssignmentId, effects: readonly Effect[]): Reduced {
  if (!state.offers.some((o) => o.assignment === assignment)) return [state, []];
  const offers = state.offers.filter((o) => o.assignment !== assignment);
  return [{ ...state, offers }, [{ do: "discard", assignment }, ...effects]];
}

function settled(state: FeedState): Reduced {
  const stale = state.offers.filter((o, index) => index > 0 && !o.confirmed);
  const offers = state.offers.filter((o) => !stale.includes(o));
  return [{ ...state, offers }, stale.map((o): Effect => ({ do: "discard", assignment: o.assignment }))];
}

function wentAway(state: FeedState): Reduced {
  if (state.away) return [state, []];
  const [first, ...rest] = state.offers;
  const effects = rest.flatMap((o): Effect[] => [
    send({ type: "release", assignment: o.assignment, lease: o.lease }),
    { do: "discard", assignment: o.assignment },
  ]);
  const told = state.welcomed ? [ready(0), ...effects] : effects.filter((e) => e.do === "discard");
  return [{ ...state, away: true, offers: first ? [first] : [] }, told];
}

function resend(state: FeedState, nowMs: number, due: (entry: Waiting) => boolean): Reduced {
  if (!state.welcomed) return [state, []];
  const effects: Effect[] = [];
  const waiting = state.waiting.map((entry) => {
    if (!due(entry)) return entry;
    effects.push(send(entry.message));
    return { ...entry, sentMs: nowMs };
  });
  return effects.length > 0 ? [{ ...state, waiting }, effects] : [state, []];
}

function ready(want: number): Effect {
  return send({ type: "ready", want });
}

function send(message: ClientMessage): Effect {
  return { do: "send", message };
}

function notify(notice: Notice): Effect {
  return { do: "notify", notice };
}
