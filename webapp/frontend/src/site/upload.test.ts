import { describe, expect, it } from "vitest";
import { PORTION_FILES, portions } from "./upload";

const file = (name: string, size = 3): File => new File([new Uint8Array(size)], name);
const names = (parts: File[][]): string[][] => parts.map((part) => part.map((f) => f.name));

describe("portions", () => {
  it("are small, in order, and leave out what is no picture", () => {
    const files = Array.from({ length: PORTION_FILES + 3 }, (_, n) => file(`${n}.png`));
    const parts = portions([...files, file("notes.txt"), file(".hidden.png")]);
    expect(parts.map((part) => part.length)).toEqual([PORTION_FILES, 3]);
    expect(names(parts).flat()).toEqual(files.map((f) => f.name));
  });

  it("end before they grow large", () => {
    const parts = portions([file("a.png", 15 * 2 ** 20), file("b.png", 15 * 2 ** 20), file("c.png")]);
    expect(names(parts)).toEqual([["a.png"], ["b.png", "c.png"]]);
  });

  it("send a zip alone and annotations with all their pictures", () => {
    expect(names(portions([file("a.png"), file("set.ZIP")]))).toEqual([["set.ZIP"], ["a.png"]]);
    const many = Array.from({ length: 30 }, (_, n) => file(`${n}.jpg`));
    expect(portions([...many, file("labels.json")])).toHaveLength(1);
  });

  it("of nothing are none", () => {
    expect(portions([])).toEqual([]);
  });
});
