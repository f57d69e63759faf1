import { describe, expect, it, vi } from "vitest";
import type { LabelClass } from "../task";
import { ChoiceList, matching } from "./choice_list";

const named = (...names: string[]): LabelClass[] =>
  names.map((name, id) => ({ id, name, color: "#33bb66", key: null }));
const MANY = named("ash", "beech", "birch", "copper beech", "elm", "fir", "hazel", "lime", "oak", "pine", "red oak");

function listOf(classes: readonly LabelClass[]) {
  const choose = vi.fn();
  const list = new ChoiceList({ classes, choose, missing: "" });
  list.render();
  const visible = () =>
    [...list.element.querySelectorAll<HTMLElement>(".choice-row")].filter((r) => !r.hasAttribute("hidden"));
  return { list, choose, visible };
}

describe("the list of classes", () => {
  it("puts names that start with what was typed before those that hold it elsewhere", () => {
    expect(matching(MANY, "oak").map((c) => c.name)).toEqual(["oak", "red oak"]);
    expect(matching(MANY, "ee").map((c) => c.name)).toEqual(["beech", "copper beech"]);
    expect(matching(MANY, "pp").map((c) => c.name)).toEqual(["copper beech"]);
  });

  it("has no search field while every class has a digit", () => {
    const { list } = listOf(MANY.slice(0, 9));
    expect(list.element.querySelector("input")).toBeNull();
    expect(list.commands.map((c) => c.id)).not.toContain("class-search");
  });

  it("filters while somebody types, and Enter takes the first", () => {
    const { list, choose, visible } = listOf(MANY);
    const field = list.element.querySelector("input") as HTMLInputElement;
    field.value = "red";
    field.dispatchEvent(new Event("input"));
    expect(visible().map((r) => r.textContent)).toEqual(["red oak"]);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    expect(choose).toHaveBeenCalledWith(10);
  });

  it("says so when nothing matches, and chooses nothing", () => {
    const { list, choose, visible } = listOf(MANY);
    const field = list.element.querySelector("input") as HTMLInputElement;
    field.value = "zebra";
    field.dispatchEvent(new Event("input"));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    expect(visible()).toEqual([]);
    expect(list.element.querySelector(".note")?.hasAttribute("hidden")).toBe(false);
    expect(choose).not.toHaveBeenCalled();
  });

  it("walks with the arrow keys and confirms what they reached", () => {
    const { list, choose } = listOf(MANY.slice(0, 3));
    const run = (id: string, chord: string) => list.commands.find((c) => c.id === id)?.run(chord);
    expect(list.commands.find((c) => c.id === "confirm")?.enabled?.()).toBe(false);
    run("highlight", "ArrowUp");
    run("highlight", "ArrowDown");
    run("highlight", "ArrowDown");
    run("confirm", "Space");
    expect(choose).toHaveBeenCalledWith(1);
  });
});
