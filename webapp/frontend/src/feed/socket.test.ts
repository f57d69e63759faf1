import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Link, type LinkState, LONGEST_PAUSE_MS } from "./socket";

/** The sockets that a link made, the newest last. */
const made: Fake[] = [];

class Fake {
  readonly readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    made.push(this);
  }
  send(): void {}
  close(): void {}
}

function opened(): { states: LinkState[]; socket: Fake } {
  const states: LinkState[] = [];
  const link = new Link(
    { url: "ws://x/ws/feed/", loggedIn: () => Promise.resolve(true), random: () => 0 },
    { opened: () => {}, frame: () => {}, changed: (state) => states.push(state) },
  );
  link.connect();
  const socket = made[made.length - 1] as Fake;
  socket.onopen?.();
  return { states, socket };
}

describe("a link that the server closed", () => {
  beforeEach(() => {
    made.length = 0;
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Fake);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("comes back after a loss", async () => {
    const { socket } = opened();
    socket.onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(LONGEST_PAUSE_MS);
    expect(made.length).toBeGreaterThan(1);
  });

  it.each([4400, 4409])("stays away after code %i, for which coming back would not help", async (code) => {
    const { states, socket } = opened();
    socket.onclose?.({ code });
    await vi.advanceTimersByTimeAsync(2 * LONGEST_PAUSE_MS);
    expect(made).toHaveLength(1);
    expect(states.at(-1)).toEqual({ at: "refused", code });
  });
});
