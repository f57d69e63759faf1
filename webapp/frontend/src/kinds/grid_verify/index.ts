import { defineKind } from "../session";
import { answerGrid, carryGrid, type GridState, type GridTask, promptGrid, readGrid, startGrid } from "./model";
import { mountGrid } from "./view";

export const gridVerify = defineKind<GridTask, GridState>({
  name: "grid_verify",
  read: readGrid,
  media: (task) => task.cells.flatMap((cell) => cell.media),
  prompt: promptGrid,
  start: startGrid,
  answer: answerGrid,
  carry: carryGrid,
  mount: mountGrid,
});
