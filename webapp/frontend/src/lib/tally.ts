/** What this person did today, as far as this browser saw it: answers and paid time. */

export interface Tally {
  readonly day: string;
  readonly done: number;
  readonly activeMs: number;
}

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export function dayOf(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** Today's tally; an older day's, or one that cannot be read, counts as nothing. */
export function readTally(store: Store, owner: string, now: Date): Tally {
  const day = dayOf(now);
  try {
    const kept = JSON.parse(store.getItem(key(owner)) ?? "null") as Partial<Tally> | null;
    if (kept?.day === day && Number.isFinite(kept.done) && Number.isFinite(kept.activeMs)) return kept as Tally;
  } catch {}
  return { day, done: 0, activeMs: 0 };
}

/** Read again before writing: another tab may have counted meanwhile. */
export function count(store: Store, owner: string, now: Date, answered: boolean, activeMs: number): Tally {
  const tally = readTally(store, owner, now);
  const next = { ...tally, done: tally.done + (answered ? 1 : 0), activeMs: tally.activeMs + activeMs };
  try {
    store.setItem(key(owner), JSON.stringify(next));
  } catch {}
  return next;
}

export function earned(tally: Tally, wagePerHour: number): number {
  return (tally.activeMs / 3_600_000) * wagePerHour;
}

function key(owner: string): string {
  return `tessera-tally-${owner}`;
}
