/** Fetches and decodes a task's pictures off screen, so that its first paint waits for nothing. */

import type { AssignmentId } from "./protocol";

export type PictureStatus = "loading" | "ready" | "failed";

export interface PictureSet {
  readonly status: PictureStatus;
  /** The decoded picture of an address; null while it loads or when it failed. */
  get(url: string): ImageBitmap | null;
}

const RETRY_AFTER_MS = [400, 1500];

class TaskPictures implements PictureSet {
  status: PictureStatus = "loading";
  private readonly bitmaps = new Map<string, ImageBitmap>();
  private dropped = false;

  constructor(
    private readonly urls: readonly string[],
    private readonly changed: () => void,
  ) {}

  get(url: string): ImageBitmap | null {
    return this.bitmaps.get(url) ?? null;
  }

  async load(): Promise<void> {
    this.status = "loading";
    const results = await Promise.allSettled(this.urls.map((url) => this.one(url)));
    this.status = results.every((r) => r.status === "fulfilled") ? "ready" : "failed";
    if (this.dropped) this.release();
    else this.changed();
  }

  release(): void {
    this.dropped = true;
    for (const bitmap of this.bitmaps.values()) bitmap.close();
    this.bitmaps.clear();
  }

  private async one(url: string): Promise<void> {
    if (this.bitmaps.has(url)) return;
    for (let attempt = 0; ; attempt++) {
      try {
        this.bitmaps.set(url, await decode(url));
        return;
      } catch (error) {
        const pause = RETRY_AFTER_MS[attempt];
        if (pause === undefined || this.dropped) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

export class PictureShelf {
  private readonly sets = new Map<AssignmentId, TaskPictures>();

  /** `changed` is called when the pictures of an assignment are ready or have failed. */
  constructor(private readonly changed: (assignment: AssignmentId) => void) {}

  fetch(assignment: AssignmentId, urls: readonly string[]): void {
    if (this.sets.has(assignment)) return;
    const set = new TaskPictures([...new Set(urls)], () => this.changed(assignment));
    this.sets.set(assignment, set);
    void set.load();
  }

  of(assignment: AssignmentId): PictureSet | null {
    return this.sets.get(assignment) ?? null;
  }

  retry(assignment: AssignmentId): void {
    void this.sets.get(assignment)?.load();
  }

  discard(assignment: AssignmentId): void {
    this.sets.get(assignment)?.release();
    this.sets.delete(assignment);
  }
}

async function decode(url: string): Promise<ImageBitmap> {
  const image = new Image();
  image.decoding = "async";
  image.src = url;
  await image.decode();
  return createImageBitmap(image);
}
