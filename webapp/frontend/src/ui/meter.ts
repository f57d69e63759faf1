/** Counts and times for the browser tests and the benchmark of the workbench. */

const KEEP = 2000; // times

export class Meter {
  acknowledged = 0;
  refused = 0;
  sent = 0;
  painted = 0;
  /** Milliseconds from submission to the next task on screen, where that task was already here. */
  readonly submitToPaintMs: number[] = [];
  /** The part of it that this page's own code takes; the rest is the browser's drawing. */
  readonly submitToShownMs: number[] = [];
  private sinceMs: number | null = null;

  /** `held`: the next task is already with us, so that its paint is ours to be quick about. */
  submitted(held: boolean): void {
    this.sent += 1;
    this.sinceMs = held ? performance.now() : null;
  }

  /** Call when the next task stands in the page and its picture is drawn. */
  shown(): void {
    if (this.sinceMs === null) return;
    this.submitToShownMs.push(performance.now() - this.sinceMs);
    if (this.submitToShownMs.length > KEEP) this.submitToShownMs.shift();
  }

  /** Call after the task was painted; `then` runs once its pixels are handed to the screen. */
  afterPaint(then: () => void): void {
    const sinceMs = this.sinceMs;
    this.sinceMs = null;
    // A message posted from the frame's callback arrives after that frame was committed.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        this.painted += 1;
        if (sinceMs !== null) this.submitToPaintMs.push(performance.now() - sinceMs);
        if (this.submitToPaintMs.length > KEEP) this.submitToPaintMs.shift();
        then();
      };
      channel.port2.postMessage(null);
    });
  }

  get counters(): Record<string, number> {
    return { sent: this.sent, acknowledged: this.acknowledged, refused: this.refused, painted: this.painted };
  }
}
