/** Whether to save data: pictures come small first, and fewer tasks are fetched ahead. */

export const SAVER_CHOICES = ["auto", "on", "off"] as const;
export type SaverChoice = (typeof SAVER_CHOICES)[number];

/** The part of the Network Information API that is used; Firefox and Safari do not have it. */
export interface Connection {
  readonly saveData?: boolean;
  readonly effectiveType?: string;
}

const SLOW_TYPES: readonly string[] = ["slow-2g", "2g", "3g"];
/** Below this a picture of 100 kB takes longer than many a question. */
export const SLOW_BYTES_PER_S = 125_000;
/** Smaller answers measure the way there and back, not the speed. */
const LEAST_BYTES = 8_000;
const MEASURED = 5;

/** The typical speed of the last fetches, bytes per second; null while too few have been measured. */
export function speedOf(fetches: readonly { readonly bytes: number; readonly ms: number }[]): number | null {
  const speeds = fetches
    .filter((f) => f.bytes >= LEAST_BYTES && f.ms > 0)
    .slice(-MEASURED)
    .map((f) => (f.bytes * 1000) / f.ms)
    .sort((a, b) => a - b);
  return speeds.length < MEASURED ? null : (speeds[MEASURED >> 1] ?? null);
}

export function savesData(choice: SaverChoice, connection: Connection, bytesPerS: number | null): boolean {
  if (choice !== "auto") return choice === "on";
  return (
    connection.saveData === true ||
    SLOW_TYPES.includes(connection.effectiveType ?? "") ||
    (bytesPerS !== null && bytesPerS < SLOW_BYTES_PER_S)
  );
}

export function readSaverChoice(value: unknown): SaverChoice {
  return SAVER_CHOICES.find((choice) => choice === value) ?? "auto";
}

const KEY = "tessera-saver";

/** The choice of this browser, and what the browser knows of its connection. */
export class Saver {
  private fetches: { bytes: number; ms: number }[] = [];
  private before: boolean;

  /** `changed` is told when saving begins or ends. */
  constructor(private readonly changed: (on: boolean) => void) {
    this.before = this.on;
    if (typeof PerformanceObserver === "undefined") return;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[])
        if (new URL(entry.name, location.href).pathname.startsWith("/crops/")) this.measure(entry);
    });
    observer.observe({ type: "resource" });
  }

  get choice(): SaverChoice {
    try {
      return readSaverChoice(localStorage.getItem(KEY));
    } catch {
      return "auto";
    }
  }

  set choice(choice: SaverChoice) {
    try {
      localStorage.setItem(KEY, choice);
    } catch {}
    this.tell();
  }

  get on(): boolean {
    const { connection = {} } = navigator as Navigator & { connection?: Connection };
    return savesData(this.choice, connection, speedOf(this.fetches));
  }

  private measure(entry: PerformanceResourceTiming): void {
    // From the cache nothing is transferred.
    if (entry.transferSize === 0) return;
    this.fetches = [...this.fetches.slice(-2 * MEASURED), { bytes: entry.encodedBodySize, ms: entry.duration }];
    this.tell();
  }

  private tell(): void {
    if (this.on === this.before) return;
    this.before = this.on;
    this.changed(this.before);
  }
}
