/** Two outlines shown in turn at the same place, so that the eye sees how they differ. */

/** Slower than three changes a second, below which nothing that flashes is a risk (WCAG 2.3.1). */
const TURN_MS = 550;

export class Flicker {
  /** Which of the two is shown now; null while it rests. */
  shown: 0 | 1 | null = null;
  private timer: number | undefined;

  /** `still`: people who asked for less motion change sides themselves. */
  constructor(
    private readonly changed: () => void,
    private readonly still = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches,
  ) {}

  /** Begin, or stop; without motion each call goes on to the other outline, and then to rest. */
  toggle(): void {
    if (this.still()) {
      this.shown = this.shown === null ? 0 : this.shown === 0 ? 1 : null;
      this.changed();
      return;
    }
    if (this.shown !== null) {
      this.stop();
      return;
    }
    this.shown = 0;
    this.timer = window.setInterval(() => {
      this.shown = this.shown === 0 ? 1 : 0;
      this.changed();
    }, TURN_MS);
    this.changed();
  }

  stop(): void {
    window.clearInterval(this.timer);
    if (this.shown === null) return;
    this.shown = null;
    this.changed();
  }
}
