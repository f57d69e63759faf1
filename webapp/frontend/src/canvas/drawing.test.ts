import { describe, expect, it } from "vitest";
import { AT_REST, type DrawInput, type DrawMode, type DrawStep, preview, step } from "./drawing";
import type { Box } from "./geometry";

const BOUNDS: Box = [0, 0, 100, 100];

function play(inputs: readonly DrawInput[], mode: DrawMode = "corners"): DrawStep {
  return inputs.reduce<DrawStep>((now, input) => step(now.state, input, mode, BOUNDS), { state: AT_REST, box: null });
}

describe("drawing a box", () => {
  it("finishes a drag", () => {
    const end = play([
      { type: "down", p: [10, 10] },
      { type: "move", p: [40, 30] },
      { type: "up", p: [50, 35], dragged: true },
    ]);
    expect(end).toEqual({ state: AT_REST, box: [10, 10, 50, 35] });
  });

  it("finishes two clicks on opposite corners", () => {
    const end = play([
      { type: "down", p: [50, 60] },
      { type: "up", p: [50, 60], dragged: false },
      { type: "move", p: [20, 20] },
      { type: "down", p: [10, 10] },
      { type: "up", p: [10, 10], dragged: false },
    ]);
    expect(end.box).toEqual([10, 10, 50, 60]);
  });

  it("goes on when the second click lands on the first", () => {
    const end = play([
      { type: "down", p: [50, 60] },
      { type: "up", p: [50, 60], dragged: false },
      { type: "down", p: [50, 60] },
      { type: "up", p: [50, 60], dragged: false },
    ]);
    expect(end.box).toBeNull();
    expect(end.state.at).toBe("second");
  });

  it("takes four outermost points", () => {
    const points = [
      [30, 5],
      [10, 40],
      [35, 80],
      [70, 42],
    ] as const;
    const inputs = points.flatMap((p): DrawInput[] => [
      { type: "down", p },
      { type: "up", p, dragged: false },
    ]);
    expect(play(inputs.slice(0, 6), "extreme").state).toMatchObject({ at: "extreme" });
    expect(play(inputs, "extreme")).toEqual({ state: AT_REST, box: [10, 5, 70, 80] });
  });

  it("works with the keyboard alone", () => {
    const end = play([
      { type: "drop", p: [10, 20] },
      { type: "move", p: [60, 70] },
      { type: "drop", p: [60, 70] },
    ]);
    expect(end.box).toEqual([10, 20, 60, 70]);
  });

  it("stays inside the scene", () => {
    const end = play([
      { type: "down", p: [90, 90] },
      { type: "up", p: [500, 500], dragged: true },
    ]);
    expect(end.box).toEqual([90, 90, 100, 100]);
  });

  it("shows what is being drawn and forgets it on cancel", () => {
    const open = play([
      { type: "down", p: [10, 10] },
      { type: "move", p: [40, 30] },
    ]);
    expect(preview(open.state)).toEqual([10, 10, 40, 30]);
    expect(step(open.state, { type: "cancel" }, "corners", BOUNDS).state).toBe(AT_REST);
    expect(preview(AT_REST)).toBeNull();
  });
});
