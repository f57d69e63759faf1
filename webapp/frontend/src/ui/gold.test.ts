import { describe, expect, it } from "vitest";
import { goldText } from "./gold";

describe("what a control task teaches", () => {
  it("is told by its code, with its numbers", () => {
    const told = { correct: false, code: "planted", about: { n: 2, of: 3 }, message: "2 / 3" };
    expect(goldText(told)).toBe("Planted mistakes found: 2 of 3.");
  });

  it("is told in the server's words where the code is new", () => {
    expect(goldText({ correct: false, code: "later", about: {}, message: "Newer than this page." })).toBe(
      "Newer than this page.",
    );
    expect(goldText({ correct: true, code: "later", about: {}, message: "" })).toContain("you got it right");
  });
});
