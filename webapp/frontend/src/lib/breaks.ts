/** When to suggest a short break: after a stretch of work without one. It only ever suggests; nothing depends on it. */

export const STRETCH_MS = 25 * 60_000;
/** Away from the tasks for this long is a break. */
export const BREAK_MS = 60_000;

export interface Stretch {
  readonly activeMs: number;
  /** When the last answer was given; null before the first. */
  readonly lastAt: number | null;
}

export const RESTED: Stretch = { activeMs: 0, lastAt: null };

/** The stretch after an answer at `now` that took `activeMs`, and whether it is time for a break. */
export function worked(before: Stretch, now: number, activeMs: number): { stretch: Stretch; tired: boolean } {
  const away = before.lastAt === null ? 0 : now - before.lastAt - activeMs;
  const sum = (away >= BREAK_MS ? 0 : before.activeMs) + activeMs;
  const tired = sum >= STRETCH_MS;
  return { stretch: { activeMs: tired ? 0 : sum, lastAt: now }, tired };
}
