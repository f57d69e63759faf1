import { describe, expect, it } from "vitest";
import { kinds } from ".";
import { classDigits, readTask, shownBounds } from "./task";
import { OBJECT, payload } from "./testing/payloads";

describe("readTask", () => {
  it("reads the part that all kinds share", () => {
    const task = readTask(payload("verify_box", { object: OBJECT }));
    expect(task.classes.map((c) => c.name)).toEqual(["tree", "shrub"]);
    expect(task.bounds).toEqual([0, 0, 2472, 2299]);
    expect(task.tolerance).toBe(0.75);
  });

  it("names what is missing", () => {
    expect(() => readTask(payload("verify_box", { view: [0, 0, 0, 10] }))).toThrow(/view: expected a rectangle/);
    expect(() => readTask(payload("verify_box", { schema: { classes: [] } }))).toThrow(/at least one class/);
  });

  it("shows no more than the scene", () => {
    const task = readTask(payload("verify_box", { view: [2400, 2200, 200, 200], media: [] }));
    expect(shownBounds(task)).toEqual([2400, 2200, 2472, 2299]);
  });
});

describe("classDigits", () => {
  it("keeps the schema's digits and gives the free ones to the rest", () => {
    const classes = [
      { id: 5, name: "a", color: "#000000", key: null },
      { id: 6, name: "b", color: "#000000", key: "1" },
      { id: 7, name: "c", color: "#000000", key: "x" },
    ];
    expect([...classDigits(classes)]).toEqual([
      [6, "1"],
      [5, "2"],
      [7, "3"],
    ]);
  });
});

describe("the registry", () => {
  it("knows every kind that has a folder, and no other", () => {
    const folders = Object.keys(import.meta.glob("./*/model.ts")).map((path) => path.split("/")[1]);
    expect(folders).toContain("verify_box");
    expect([...kinds.keys()].sort()).toEqual(folders.sort());
  });

  it("knows each kind by one name", () => {
    expect([...kinds].filter(([name, kind]) => name !== kind.name)).toEqual([]);
  });
});
