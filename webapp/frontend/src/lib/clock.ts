/** Human time on one task: from the first paint to submission, without hidden time and without long pauses. */

/** A pause without any input counts as work up to here: people look before they act. */
export const IDLE_AFTER_MS = 10_000;

export interface Spent {
  readonly active_ms: number;
  readonly hidden_ms: number;
  readonly idle_ms: number;
}

export function together(a: Spent, b: Spent): Spent {
  return {
    active_ms: a.active_ms + b.active_ms,
    hidden_ms: a.hidden_ms + b.hidden_ms,
    idle_ms: a.idle_ms + b.idle_ms,
  };
}

export class ActiveClock {
  private lastMs: number;
  private activeMs = 0;
  private hiddenMs = 0;
  private idleMs = 0;
  private hidden = false;

  /** All times are milliseconds of one monotonic clock. */
  constructor(paintedMs: number, hidden = false) {
    this.lastMs = paintedMs;
    this.hidden = hidden;
  }

  /** The person moved the pointer, pressed a key, touched, scrolled. */
  activity(nowMs: number): void {
    this.settle(nowMs);
  }

  visibility(hidden: boolean, nowMs: number): void {
    this.settle(nowMs);
    this.hidden = hidden;
  }

  spent(nowMs: number): Spent {
    this.settle(nowMs);
    return {
      active_ms: Math.round(this.activeMs),
      hidden_ms: Math.round(this.hiddenMs),
      idle_ms: Math.round(this.idleMs),
    };
  }

  private settle(nowMs: number): void {
    const gap = Math.max(0, nowMs - this.lastMs);
    this.lastMs = nowMs;
    if (this.hidden) {
      this.hiddenMs += gap;
    } else {
      this.activeMs += Math.min(gap, IDLE_AFTER_MS);
      this.idleMs += Math.max(0, gap - IDLE_AFTER_MS);
    }
  }
}
