/** Fetches and decodes a task's pictures off screen, so that its first paint waits for nothing. */

import { type Deep, display } from "../canvas/display";
import { readPng16 } from "../canvas/png16";
import type { Greys } from "../canvas/window";
import type { AssignmentId } from "./protocol";

export type PictureStatus = "loading" | "ready" | "failed";

export interface PictureSet {
  readonly status: PictureStatus;
  /** The decoded picture of an address; null while it loads or when it failed. */
  get(url: string): ImageBitmap | null;
}

export interface Source {
  readonly url: string;
  /** The same picture smaller. */
  readonly small: string | null;
  readonly deep: (Greys & { readonly url: string }) | null;
}

const RETRY_AFTER_MS = [400, 1500];

class TaskPictures implements PictureSet {
  status: PictureStatus = "loading";
  private readonly bitmaps = new Map<string, ImageBitmap>();
  private readonly samples = new Map<string, Deep>();
  private readonly coarse = new Set<string>();
  private readonly fetching = new Set<string>();
  private dropped = false;

  constructor(
    private readonly sources: readonly Source[],
    private readonly changed: () => void,
    private readonly lean: boolean,
  ) {}

  get(url: string): ImageBitmap | null {
    return this.bitmaps.get(url) ?? null;
  }

  async load(): Promise<void> {
    this.status = "loading";
    const results = await Promise.allSettled(this.sources.map((source) => this.one(source)));
    this.status = results.every((r) => r.status === "fulfilled") ? "ready" : "failed";
    if (this.dropped) this.release();
    else this.changed();
  }

  /** Fetch in full what has been fetched small. */
  async refine(): Promise<void> {
    await this.each(
      "refine",
      (source) => this.coarse.has(source.url),
      async (source) => {
        this.put(source.url, await decode(source.url));
        this.coarse.delete(source.url);
      },
    );
  }

  /** Fetch the samples of deep greys. */
  async deepen(): Promise<void> {
    await this.each(
      "deepen",
      ({ url, deep }) => deep !== null && !this.samples.has(url),
      async ({ url, deep }) => {
        if (!deep) return;
        const response = await fetch(deep.url, { credentials: "same-origin" });
        if (!response.ok) throw new Error(`the picture answered ${response.status}`);
        const samples = await readPng16(new Uint8Array(await response.arrayBuffer()));
        this.samples.set(url, { samples, greys: deep });
        const bitmap = this.get(url);
        if (bitmap) display.deepen(bitmap, { samples, greys: deep });
      },
    );
  }

  release(): void {
    this.dropped = true;
    for (const bitmap of this.bitmaps.values()) bitmap.close();
    this.bitmaps.clear();
    this.samples.clear();
  }

  private async one(source: Source): Promise<void> {
    if (this.bitmaps.has(source.url)) return;
    const small = this.lean && source.small !== null;
    for (let attempt = 0; ; attempt++) {
      try {
        this.put(source.url, await decode(small ? (source.small ?? source.url) : source.url));
        if (small) this.coarse.add(source.url);
        return;
      } catch (error) {
        const pause = RETRY_AFTER_MS[attempt];
        if (pause === undefined || this.dropped) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** What is better than what is shown: a failure leaves that as it is, and the next wish tries again. */
  private async each(what: string, wanted: (s: Source) => boolean, get: (s: Source) => Promise<void>): Promise<void> {
    const due = this.sources.filter((s) => wanted(s) && !this.fetching.has(what + s.url));
    await Promise.allSettled(
      due.map(async (source) => {
        this.fetching.add(what + source.url);
        try {
          await get(source);
        } finally {
          this.fetching.delete(what + source.url);
        }
      }),
    );
    if (this.dropped) this.release();
    else if (due.length > 0) this.changed();
  }

  private put(url: string, bitmap: ImageBitmap): void {
    const old = this.bitmaps.get(url);
    this.bitmaps.set(url, bitmap);
    old?.close();
    const deep = this.samples.get(url);
    if (deep) display.deepen(bitmap, deep);
  }
}

export class PictureShelf {
  private readonly sets = new Map<AssignmentId, TaskPictures>();

  /** `changed` is called when the pictures of an assignment are ready, better, or have failed. */
  constructor(
    private readonly changed: (assignment: AssignmentId) => void,
    private readonly lean: () => boolean = () => false,
  ) {}

  fetch(assignment: AssignmentId, sources: readonly Source[]): void {
    if (this.sets.has(assignment)) return;
    const unique = new Map(sources.map((source) => [source.url, source]));
    const set = new TaskPictures([...unique.values()], () => this.changed(assignment), this.lean());
    this.sets.set(assignment, set);
    void set.load().then(() => {
      if (display.window) void set.deepen();
    });
  }

  of(assignment: AssignmentId): PictureSet | null {
    return this.sets.get(assignment) ?? null;
  }

  retry(assignment: AssignmentId): void {
    void this.sets.get(assignment)?.load();
  }

  refine(assignment: AssignmentId): void {
    void this.sets.get(assignment)?.refine();
  }

  deepen(assignment: AssignmentId): void {
    void this.sets.get(assignment)?.deepen();
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
