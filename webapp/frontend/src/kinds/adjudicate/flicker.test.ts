import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Flicker } from "./flicker";

describe("Flicker", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("takes turns until it is stopped", () => {
    const shown: (0 | 1 | null)[] = [];
    const flicker = new Flicker(
      () => shown.push(flicker.shown),
      () => false,
    );
    flicker.toggle();
    vi.advanceTimersByTime(1700);
    flicker.toggle();
    vi.advanceTimersByTime(5000);
    expect(shown).toEqual([0, 1, 0, 1, null]);
  });

  it("never moves by itself for people who asked for less motion", () => {
    const flicker = new Flicker(
      () => {},
      () => true,
    );
    const turns = [0, 1, 2, 3].map(() => {
      flicker.toggle();
      vi.advanceTimersByTime(5000);
      return flicker.shown;
    });
    expect(turns).toEqual([0, 1, null, 0]);
  });

  it("stops quietly when it rests", () => {
    let calls = 0;
    const flicker = new Flicker(
      () => calls++,
      () => false,
    );
    flicker.stop();
    expect(calls).toBe(0);
  });
});
