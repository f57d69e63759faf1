import { describe, expect, it } from "vitest";
import { squareAround } from "./examples";
import {
  addClasses,
  changeClass,
  changeScene,
  chosen,
  complaints,
  freeColour,
  freeId,
  freeKey,
  moveClass,
  readEdges,
  readJoints,
  readNumber,
  readOptions,
  readShare,
  removeClass,
  type Schema,
} from "./schema_model";

const PALETTE = ["#e69f00", "#56b4e9", "#009e73"];
const TREES: Schema = {
  classes: [
    { id: 0, name: "tree", color: "#e69f00", key: "1" },
    { id: 1, name: "car", color: "#56b4e9", key: "2" },
  ],
};

describe("classes", () => {
  it("get the first free key and the least used colour", () => {
    expect(freeKey(TREES)).toBe("3");
    expect(freeColour(TREES, PALETTE)).toBe("#009e73");
    const added = addClasses(TREES, ["house", "Tree", "road"], PALETTE);
    expect(added.classes.map((c) => c.name)).toEqual(["tree", "car", "house", "road"]);
    expect(added.classes[3]).toEqual({ id: -2, name: "road", color: "#e69f00", key: "4" });
  });

  it("run out of keys after nine", () => {
    const many = addClasses({ classes: [] }, [..."abcdefghij"], PALETTE);
    expect(many.classes[8]?.key).toBe("9");
    expect(many.classes[9]?.key).toBeNull();
  });

  it("move within the list only, and keep their ids", () => {
    expect(moveClass(TREES, 0, 1).classes.map((c) => c.id)).toEqual([1, 0]);
    expect(moveClass(TREES, 0, -1)).toBe(TREES);
    expect(moveClass(TREES, 1, 1)).toBe(TREES);
    expect(removeClass(TREES, 0).classes.map((c) => c.name)).toEqual(["car"]);
  });

  it("lose the skeleton when they are no keypoints any more", () => {
    const man: Schema = {
      classes: [{ name: "man", color: "#e69f00", key: null, geometry: "keypoints", skeleton: "body" }],
    };
    expect(changeClass(man, 0, { geometry: "polygon" }).classes[0]).toEqual({
      name: "man",
      color: "#e69f00",
      key: null,
      geometry: "polygon",
    });
  });

  it("have a size of their own as cuboids only", () => {
    const car = changeClass(TREES, 1, { geometry: "cuboid" });
    expect(car.classes[1]?.dims).toEqual([null, null, null]);
    expect([...complaints(car)]).toEqual([[1, "nodims"]]);
    const sized = changeClass(car, 1, { dims: [4.2, 1.8, 1.5] });
    expect(complaints(sized).size).toBe(0);
    expect(changeClass(sized, 1, { geometry: "box" }).classes[1]).not.toHaveProperty("dims");
  });

  it("that are removed are referred to no more", () => {
    const schema: Schema = {
      classes: [{ id: 3, name: "plant", color: "#009e73", key: null, subclasses: [0, 1] }, ...TREES.classes],
      scene: { triage: true, classes: [0, 3], regions: [0, 1], region_share: 0.5 },
    };
    const left = removeClass(schema, 1);
    expect(left.classes[0]?.subclasses).toEqual([1]);
    expect(left.scene).toEqual({ triage: true, classes: [3], regions: [1], region_share: 0.5 });
    expect([...complaints(left)]).toEqual([[0, "onefiner"]]);
    expect(removeClass(TREES, 0)).not.toHaveProperty("scene");
  });

  it("are complained about by row", () => {
    const bad: Schema = {
      classes: [
        ...TREES.classes,
        { name: "TREE ", color: "#009e73", key: null },
        { name: "", color: "#009e73", key: null },
        { name: "bus", color: "#009e73", key: "1" },
        { name: "man", color: "#009e73", key: null, geometry: "keypoints" },
      ],
    };
    expect([...complaints(bad)]).toEqual([
      [2, "samename"],
      [3, "noname"],
      [4, "samekey"],
      [5, "noskeleton"],
    ]);
    expect(complaints(TREES).size).toBe(0);
  });
});

describe("whole pictures", () => {
  it("have a share of blocks only while regions are asked", () => {
    const asked = changeScene(TREES, { regions: [0], region_share: 0.25 });
    expect(asked.scene).toEqual({ regions: [0], region_share: 0.25 });
    expect(changeScene(asked, { triage: true }).scene).toEqual({ regions: [0], region_share: 0.25, triage: true });
    expect(changeScene(asked, { regions: [] }).scene).toEqual({ regions: [] });
  });

  it("take classes in the order of the schema, new ones too", () => {
    const more = addClasses(TREES, ["road"], PALETTE);
    expect(chosen(more, [-1], 0, true)).toEqual([0, -1]);
    expect(chosen(more, [0, -1], 0, false)).toEqual([-1]);
  });

  it("read numbers as people type them", () => {
    expect(readNumber(" 1,85 ")).toBe(1.85);
    expect(readNumber("1e3")).toBeNull();
    expect([readShare("12.5"), readShare("100"), readShare("0"), readShare("101"), readShare("")]).toEqual([
      0.125,
      1,
      null,
      null,
      null,
    ]);
  });
});

describe("parts", () => {
  it("have text ids that nothing else has", () => {
    expect(freeId("Wie groß?", [])).toBe("wie_gro");
    expect(freeId("colour", ["colour", "colour_2"])).toBe("colour_3");
    expect(freeId("لون", [])).toBe("a");
  });

  it("keep the ids of options that keep their names", () => {
    const before = [{ id: "r", name: "red", key: "r" }];
    expect(readOptions("green, red, green,", before)).toEqual([
      { id: "green", name: "green" },
      { id: "r", name: "red", key: "r" },
    ]);
  });

  it("read joints with their sides and the bones between them", () => {
    const joints = readJoints("nose, left eye, right_eye", []);
    expect(joints.map((j) => j.side)).toEqual([null, "left", "right"]);
    expect(readEdges("nose-left eye, nose-right_eye, nose-tail, nose-nose", joints)).toEqual([
      ["nose", "left eye"],
      ["nose", "right_eye"],
    ]);
  });
});

describe("the place of an example", () => {
  it("stays in the picture", () => {
    expect(squareAround(5, 5, 20, 100, 50)).toEqual([0, 0, 20, 20]);
    expect(squareAround(99, 49, 20, 100, 50)).toEqual([80, 30, 20, 20]);
    expect(squareAround(50, 25, 80, 100, 50)).toEqual([10, 0, 80, 50]);
  });
});
