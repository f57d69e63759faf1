/** One websocket that comes back by itself: growing pauses with jitter, heartbeats, and the reason for each loss. */

export type LinkState =
  | { readonly at: "connecting" }
  | { readonly at: "open" }
  | { readonly at: "waiting"; readonly untilMs: number; readonly attempt: number }
  | { readonly at: "login" }
  | { readonly at: "refused"; readonly code: number };

export interface LinkEvents {
  opened(): void;
  frame(data: string): void;
  changed(state: LinkState): void;
}

export interface LinkOptions {
  readonly url: string;
  /** Whether the login is still good; asked after a refused connection, whose reason browsers hide. */
  readonly loggedIn: () => Promise<boolean>;
  readonly random?: () => number;
}

export const FIRST_PAUSE_MS = 500;
export const LONGEST_PAUSE_MS = 15_000;
const LOGIN_PAUSE_MS = 4_000;
const LOGIN_CODES: readonly number[] = [4401, 4403, 3000];
/** Closed for a newer tab: coming back would only close the next one. */
export const TOO_MANY_TABS = 4409;
const FINAL_CODES: readonly number[] = [4400, TOO_MANY_TABS];
const OPEN = 1; // WebSocket.OPEN, also where tests have no such global

/** Full jitter over a doubling ceiling: a thousand tabs do not come back in the same instant. */
export function pauseBefore(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random;
}

export class Link {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private attempt = 0;
  private heardMs = 0;
  private closed = false;
  state: LinkState = { at: "connecting" };

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {}

  connect(): void {
    if (this.closed || this.socket) return;
    clearTimeout(this.timer);
    if (this.state.at !== "login") this.become({ at: "connecting" });
    const socket = new WebSocket(this.options.url);
    let opened = false;
    this.socket = socket;
    socket.onopen = () => {
      opened = true;
      this.heardMs = Date.now();
      // A server that accepts in order to say "log in" must not make the banner flicker; its welcome ends that state.
      if (this.state.at !== "login") this.become({ at: "open" });
      this.events.opened();
    };
    socket.onmessage = (event) => {
      this.heardMs = Date.now();
      if (typeof event.data === "string") this.events.frame(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) void this.lost(event.code, opened);
    };
  }

  send(message: unknown): boolean {
    if (this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** The server welcomed us: the next loss starts with the shortest pause again. */
  welcomed(heartbeatSeconds: number): void {
    this.attempt = 0;
    if (this.state.at === "login") this.become({ at: "open" });
    clearInterval(this.heartbeat);
    const every = Math.max(5, heartbeatSeconds) * 1000;
    this.heartbeat = setInterval(() => {
      // A socket through a dead network stays "open" for minutes; silence over three beats is a loss.
      if (Date.now() - this.heardMs > 3 * every) this.drop();
      else this.send({ type: "ping" });
    }, every);
  }

  /** Go away and come back after a pause, as a draining server asks for. */
  comeBack(seconds: number): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
    this.wait(Math.max(0.2, seconds) * 1000 * (0.75 + 0.5 * this.random()));
  }

  /** Try at once, for instance because the network or the tab came back. */
  hurry(): void {
    if (this.state.at === "waiting" || this.state.at === "login") this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearInterval(this.heartbeat);
    this.socket?.close(1000);
    this.socket = null;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close(4000);
    void this.lost(1006, true);
  }

  private async lost(code: number, opened: boolean): Promise<void> {
    this.socket = null;
    clearInterval(this.heartbeat);
    if (this.closed) return;
    if (FINAL_CODES.includes(code)) return this.become({ at: "refused", code });
    const asked = LOGIN_CODES.includes(code) || (!opened && !(await this.options.loggedIn()));
    if (this.closed || this.socket) return;
    if (asked) {
      this.become({ at: "login" });
      this.timer = setTimeout(() => this.connect(), LOGIN_PAUSE_MS);
      return;
    }
    this.wait(pauseBefore(this.attempt, this.random()));
  }

  private wait(ms: number): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.timer);
    this.attempt += 1;
    this.become({ at: "waiting", untilMs: Date.now() + ms, attempt: this.attempt });
    this.timer = setTimeout(() => this.connect(), ms);
  }

  private random(): number {
    return (this.options.random ?? Math.random)();
  }

  private become(state: LinkState): void {
    this.state = state;
    this.events.changed(state);
  }
}
