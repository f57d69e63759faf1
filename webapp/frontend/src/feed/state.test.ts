import { describe, expect, it } from "vitest";
import type { Pending } from "./outbox";
import type { AnswerMessage, Offer, ServerMessage } from "./protocol";
import { beginFeed, type Effect, type FeedEvent, type FeedState, RESEND_AFTER_MS, reduce, revocable } from "./state";

const NOW = 1_000_000;

function offer(assignment: number, lease = `lease-${assignment}`): Offer {
  return { assignment, lease, leaseSeconds: 600, task: { kind: "verify_box" } };
}

function answer(assignment: number, id = `answer-${assignment}`): AnswerMessage {
  return {
    type: "answer",
    id,
    assignment,
    lease: `lease-${assignment}`,
    outcome: "answered",
    value: { verdict: "ok" },
    report: null,
    telemetry: { active_ms: 900, hidden_ms: 0, idle_ms: 0, input: "key", edits: 0, undo: 0, zoom: 0 },
  };
}

const message = (m: ServerMessage, nowMs = NOW): FeedEvent => ({ type: "message", message: m, nowMs });
const offered = (o: Offer): FeedEvent => message({ type: "offer", offer: o });
const WELCOME = message({
  type: "welcome",
  annotator: { id: 1, name: "Ada", tier: "annotator" },
  heartbeatSeconds: 30,
});

function play(events: readonly FeedEvent[], state: FeedState = beginFeed("ada")): [FeedState, Effect[]] {
  const effects: Effect[] = [];
  let now = state;
  for (const event of events) {
    const [next, more] = reduce(now, event);
    now = next;
    effects.push(...more);
  }
  return [now, effects];
}

function sent(effects: readonly Effect[]): string[] {
  return effects.flatMap((e) => (e.do === "send" ? [e.message.type] : []));
}

describe("the beginning", () => {
  it("says hello first and asks for tasks once welcomed", () => {
    const [state, effects] = play([{ type: "link", state: { at: "open" } }, { type: "opened" }, WELCOME]);
    expect(sent(effects)).toEqual(["hello", "ready"]);
    expect(state.welcomed).toBe(true);
  });

  it("fetches the pictures of every offer and shows the first", () => {
    const [state, effects] = play([WELCOME, offered(offer(1)), offered(offer(2))]);
    expect(state.offers.map((o) => o.assignment)).toEqual([1, 2]);
    expect(effects.filter((e) => e.do === "fetch")).toHaveLength(2);
  });
});

describe("an answer", () => {
  it("is stored before it is sent, and forgotten only when acknowledged", () => {
    const [state, effects] = play([WELCOME, offered(offer(1)), { type: "submit", answer: answer(1), nowMs: NOW }]);
    const order = effects.filter((e) => e.do === "store" || (e.do === "send" && e.message.type === "answer"));
    expect(order.map((e) => e.do)).toEqual(["store", "send"]);
    expect(state.offers).toEqual([]);
    expect(state.waiting).toHaveLength(1);
    const [after, more] = play([message({ type: "ack", id: "answer-1", status: "accepted", feedback: null })], state);
    expect(after.waiting).toEqual([]);
    expect(more).toContainEqual({ do: "forget", id: "answer-1" });
  });

  it("waits while there is no connection and goes out first after the next welcome", () => {
    const lost: FeedEvent = { type: "link", state: { at: "waiting", untilMs: NOW + 500, attempt: 1 } };
    const [state, effects] = play([
      WELCOME,
      offered(offer(1)),
      lost,
      { type: "submit", answer: answer(1), nowMs: NOW },
    ]);
    expect(sent(effects)).not.toContain("answer");
    const [, more] = play([{ type: "link", state: { at: "open" } }, { type: "opened" }, WELCOME], state);
    expect(sent(more)).toEqual(["hello", "answer", "ready"]);
  });

  it("is sent again with the same id when no acknowledgement comes", () => {
    const [state] = play([WELCOME, offered(offer(1)), { type: "submit", answer: answer(1), nowMs: NOW }]);
    expect(sent(play([{ type: "tick", nowMs: NOW + RESEND_AFTER_MS - 1 }], state)[1])).toEqual([]);
    const [, effects] = play([{ type: "tick", nowMs: NOW + RESEND_AFTER_MS }], state);
    expect(effects).toEqual([{ do: "send", message: answer(1) }]);
  });

  it("is never asked for again while it is on its way", () => {
    const [state] = play([WELCOME, offered(offer(1)), { type: "submit", answer: answer(1), nowMs: NOW }]);
    const [after, effects] = play([offered(offer(1, "another lease"))], state);
    expect(after.offers).toEqual([]);
    expect(effects).toEqual([]);
  });

  it("brings its task back behind the one on screen when the server cannot use it", () => {
    const [state] = play([
      WELCOME,
      offered(offer(1)),
      offered(offer(2)),
      { type: "submit", answer: answer(1), nowMs: NOW },
      message({ type: "error", code: "bad_answer", message: "value.edges: …", ref: "answer-1" }),
    ]);
    expect(state.offers.map((o) => o.assignment)).toEqual([2, 1]);
    expect(state.waiting).toEqual([]);
  });

  it("comes back from the outbox of an earlier page and drops the offer that it answers", () => {
    const kept: Pending = { owner: "ada", message: answer(7), at: 5 };
    const [state, effects] = play([WELCOME, offered(offer(7)), { type: "restored", entries: [kept], nowMs: NOW }]);
    expect(state.offers).toEqual([]);
    expect(effects).toContainEqual({ do: "discard", assignment: 7 });
    expect(effects).toContainEqual({ do: "send", message: answer(7) });
  });
});

describe("the moment in which an answer can be taken back", () => {
  const begun = beginFeed("ada", 3, 4000);
  const submit = (n: number, nowMs = NOW): FeedEvent => ({ type: "submit", answer: answer(n), nowMs });
  const [held, effects] = play([WELCOME, offered(offer(1)), offered(offer(2)), submit(1)], begun);

  it("stores the answer at once and sends it when the moment is over", () => {
    expect(effects.some((e) => e.do === "store")).toBe(true);
    expect(sent(effects)).not.toContain("answer");
    expect(effects).toContainEqual({ do: "wake", ms: 4000 });
    expect(sent(play([{ type: "tick", nowMs: NOW + 3999 }], held)[1])).toEqual([]);
    expect(sent(play([{ type: "tick", nowMs: NOW + 4000 }], held)[1])).toEqual(["answer"]);
  });

  it("brings the task back in front of the one on screen", () => {
    const [back, more] = play([{ type: "take_back", nowMs: NOW + 2000 }], held);
    expect(back.offers.map((o) => o.assignment)).toEqual([1, 2]);
    expect(back.waiting).toEqual([]);
    expect(more).toEqual([{ do: "forget", id: "answer-1" }]);
  });

  it("is over when the next answer is given, when the page is left, and after a reconnection", () => {
    expect(sent(play([submit(2, NOW + 900)], held)[1])).toEqual(["answer"]);
    expect(sent(play([{ type: "flush", nowMs: NOW + 1 }], held)[1])).toEqual(["answer"]);
    const [again] = play([WELCOME], held);
    expect(revocable(again, NOW + 1)).toBeNull();
  });

  it("cannot be used when it has passed", () => {
    expect(revocable(held, NOW + 3999)).not.toBeNull();
    expect(play([{ type: "take_back", nowMs: NOW + 4001 }], held)[0]).toBe(held);
  });

  it("is respected by a second tab that finds the answer in the outbox", () => {
    const entries: Pending[] = [{ owner: "ada", message: answer(1), at: NOW }];
    const [other, more] = play([WELCOME, { type: "restored", entries, nowMs: NOW + 1000 }], begun);
    expect(sent(more)).not.toContain("answer");
    expect(sent(play([{ type: "tick", nowMs: NOW + 4000 }], other)[1])).toEqual(["answer"]);
  });
});

describe("a reconnection", () => {
  it("keeps what is on screen under its new lease", () => {
    const [state, effects] = play([WELCOME, offered(offer(1)), WELCOME, offered(offer(1, "fresh"))]);
    expect(state.offers).toMatchObject([{ assignment: 1, lease: "fresh", confirmed: true }]);
    expect(effects.filter((e) => e.do === "fetch")).toHaveLength(1);
  });

  it("lets go of prefetched offers that the server did not confirm, but never of the one on screen", () => {
    const [state, effects] = play([
      WELCOME,
      offered(offer(1)),
      offered(offer(2)),
      offered(offer(3)),
      WELCOME,
      offered(offer(3)),
      { type: "settled" },
    ]);
    expect(state.offers.map((o) => o.assignment)).toEqual([1, 3]);
    expect(effects).toContainEqual({ do: "discard", assignment: 2 });
  });
});

describe("an absence", () => {
  it("gives back what is only fetched ahead and asks for nothing", () => {
    const [state, effects] = play([WELCOME, offered(offer(1)), offered(offer(2)), { type: "away" }]);
    expect(state.offers.map((o) => o.assignment)).toEqual([1]);
    expect(effects.slice(-3)).toEqual([
      { do: "send", message: { type: "ready", want: 0 } },
      { do: "send", message: { type: "release", assignment: 2, lease: "lease-2" } },
      { do: "discard", assignment: 2 },
    ]);
    expect(sent(play([{ type: "back" }], state)[1])).toEqual(["ready"]);
  });
});

describe("the server's word", () => {
  const said = (text: string) => ({ code: "", about: {}, message: text });

  it("shows why there is nothing to do until an offer comes", () => {
    const [idle] = play([WELCOME, message({ type: "idle", reasons: [said("All tasks are with other people.")] })]);
    expect(idle.idle).toEqual([said("All tasks are with other people.")]);
    expect(play([offered(offer(1))], idle)[0].idle).toBeNull();
  });

  it("pauses and resumes", () => {
    const [paused] = play([WELCOME, message({ type: "paused", reasons: [said("Guideline is being changed.")] })]);
    expect(paused.paused).toEqual([said("Guideline is being changed.")]);
    expect(play([message({ type: "resumed" })], paused)[0].paused).toBeNull();
  });

  it("says that a task was withdrawn only when it was on screen", () => {
    const [state] = play([WELCOME, offered(offer(1)), offered(offer(2))]);
    const told = (assignment: number): boolean =>
      play([message({ type: "revoked", assignment, reasons: [said("settled")] })], state)[1].some(
        (e) => e.do === "notify",
      );
    expect(told(1)).toBe(true);
    expect(told(2)).toBe(false);
  });

  it("comes back later when the server drains", () => {
    const [state, effects] = play([WELCOME, message({ type: "drain", reconnectSeconds: 3 })]);
    expect(state.welcomed).toBe(false);
    expect(effects).toContainEqual({ do: "come_back", seconds: 3 });
  });
});
