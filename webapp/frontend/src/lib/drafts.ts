/** Unfinished work on a task, so that a reload goes on where it stopped. Kept for this tab only. */

import type { Store } from "./tally";

const PREFIX = "tessera-draft-";

export class Drafts {
  constructor(
    private readonly store: (Store & { removeItem(key: string): void }) | null,
    /** Drafts of another version of the workbench may have another shape. */
    private readonly version: string,
  ) {}

  keep(assignment: number | string, state: unknown): void {
    try {
      this.store?.setItem(PREFIX + assignment, JSON.stringify({ version: this.version, state }));
    } catch {}
  }

  read(assignment: number | string): unknown {
    try {
      const kept = JSON.parse(this.store?.getItem(PREFIX + assignment) ?? "null") as {
        version?: string;
        state?: unknown;
      } | null;
      return kept?.version === this.version ? (kept.state ?? null) : null;
    } catch {
      return null;
    }
  }

  forget(assignment: number | string): void {
    this.store?.removeItem(PREFIX + assignment);
  }
}
