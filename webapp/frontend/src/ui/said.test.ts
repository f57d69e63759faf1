import { describe, expect, it } from "vitest";
import { isPersonal, reasonText, refusalText, whyText } from "./said";

describe("what the server says in codes", () => {
  it("is told with its numbers and names", () => {
    const tier = { code: "tier", about: { needed: "specialist", yours: "crowd" }, message: "" };
    expect(reasonText(tier)).toBe("It needs the tier specialist; yours is crowd.");
    const language = { code: "language", about: { language: "de" }, message: "" };
    expect(reasonText(language)).toBe("Its guideline is in German.");
    expect(whyText({ code: "settles", about: { percent: 37 }, message: "" })).toContain("about 37 %");
  });

  it("is told in the server's words where the code is new or a person wrote it", () => {
    expect(reasonText({ code: "later", about: {}, message: "newer than this page" })).toBe("Newer than this page.");
    expect(reasonText({ code: "", about: {}, message: "Back on Monday." })).toBe("Back on Monday.");
    expect(refusalText("later", "not today")).toBe("not today");
    expect(refusalText("later", "")).toBe("later");
  });

  it("says what a refused answer lacks", () => {
    expect(refusalText("bad_answer", "value.boxes: give a list")).toContain("value.boxes: give a list");
    expect(refusalText("bad_lease", "this lease has passed on")).not.toContain("lease");
  });

  it("tells a pause of a person from one of a project", () => {
    const said = (code: string) => [{ code, about: {}, message: "x" }];
    expect(isPersonal(said("spam_yes"))).toBe(true);
    expect(isPersonal(said(""))).toBe(true);
    expect(isPersonal(said("project_paused"))).toBe(false);
    expect(isPersonal([])).toBe(false);
  });
});
