import { describe, expect, it } from "vitest";
import { ActiveClock, IDLE_AFTER_MS } from "./clock";
import { Drafts } from "./drafts";
import { advance, amend, begin, redo, undo } from "./history";
import { boxAt, rectAt } from "./parse";
import { count, earned, readTally } from "./tally";

function memory(): Storage {
  const map = new Map<string, string>();
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  } as Storage;
}

describe("history", () => {
  it("undoes and redoes every committed step, however many", () => {
    let h = begin(0);
    for (let i = 1; i <= 200; i++) h = advance(h, i);
    for (let i = 0; i < 200; i++) h = undo(h);
    expect(h.now).toBe(0);
    expect(undo(h)).toBe(h);
    expect(redo(redo(h)).now).toBe(2);
  });

  it("does not stop at amended states, and a new step forgets what was undone", () => {
    const h = amend(advance(begin("a"), "b"), "b'");
    expect(undo(h).now).toBe("a");
    expect(redo(advance(undo(h), "c")).now).toBe("c");
  });
});

describe("ActiveClock", () => {
  it("counts looking as work up to the idle limit", () => {
    const clock = new ActiveClock(0);
    clock.activity(4_000);
    expect(clock.spent(4_000 + IDLE_AFTER_MS + 7_000)).toEqual({
      active_ms: 4_000 + IDLE_AFTER_MS,
      hidden_ms: 0,
      idle_ms: 7_000,
    });
  });

  it("does not pay for a hidden page", () => {
    const clock = new ActiveClock(0);
    clock.visibility(true, 1_000);
    clock.visibility(false, 61_000);
    expect(clock.spent(62_000)).toEqual({ active_ms: 2_000, hidden_ms: 60_000, idle_ms: 0 });
  });
});

describe("the tally of a day", () => {
  const monday = new Date(2026, 4, 4, 12);
  const tuesday = new Date(2026, 4, 5, 9);

  it("adds up answers and paid time per person", () => {
    const store = memory();
    count(store, "ada", monday, true, 60_000);
    count(store, "ada", monday, false, 30_000);
    count(store, "ben", monday, true, 1);
    const tally = readTally(store, "ada", monday);
    expect(tally).toMatchObject({ done: 1, activeMs: 90_000 });
    expect(earned(tally, 40)).toBeCloseTo(1);
  });

  it("starts anew the next day and survives a broken entry", () => {
    const store = memory();
    count(store, "ada", monday, true, 60_000);
    expect(readTally(store, "ada", tuesday)).toMatchObject({ done: 0, activeMs: 0 });
    store.setItem("tessera-tally-ada", "{broken");
    expect(readTally(store, "ada", monday).done).toBe(0);
  });
});

describe("drafts", () => {
  it("come back for their task and version only", () => {
    const store = memory();
    new Drafts(store, "1").keep(5, { pins: [1] });
    expect(new Drafts(store, "1").read(5)).toEqual({ pins: [1] });
    expect(new Drafts(store, "1").read(6)).toBeNull();
    expect(new Drafts(store, "2").read(5)).toBeNull();
    new Drafts(store, "1").forget(5);
    expect(new Drafts(store, "1").read(5)).toBeNull();
  });
});

describe("readers of what comes from outside", () => {
  it("name the field and what they expected", () => {
    expect(() => boxAt([5, 5, 5, 9], "object.xyxy")).toThrow("object.xyxy: expected a box x1 y1 x2 y2 with an area");
    expect(() => boxAt([1, 2, Number.NaN, 9], "object.xyxy")).toThrow("object.xyxy[2]: expected a finite number");
    expect(() => rectAt([1, 2, 3], "view")).toThrow("view: expected 4 numbers");
  });
});
