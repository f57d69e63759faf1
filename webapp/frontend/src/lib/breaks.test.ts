import { describe, expect, it } from "vitest";
import { BREAK_MS, RESTED, STRETCH_MS, type Stretch, worked } from "./breaks";

/** Answers of `each` ms, one after the other; when a break is suggested, in ms. */
function suggestions(times: number, each: number, pauseAfter: ReadonlyMap<number, number> = new Map()): number[] {
  let stretch: Stretch = RESTED;
  let now = 0;
  const found: number[] = [];
  for (let n = 0; n < times; n++) {
    now += each + (pauseAfter.get(n) ?? 0);
    const next = worked(stretch, now, each);
    stretch = next.stretch;
    if (next.tired) found.push(now);
  }
  return found;
}

describe("a break", () => {
  it("is suggested once in every stretch of work", () => {
    expect(suggestions(600, 6000)).toEqual([STRETCH_MS, 2 * STRETCH_MS]);
  });

  it("that was taken begins a new stretch", () => {
    expect(suggestions(400, 6000, new Map([[200, BREAK_MS]]))).toEqual([]);
    expect(suggestions(400, 6000, new Map([[200, BREAK_MS - 1000]]))).toHaveLength(1);
  });
});
