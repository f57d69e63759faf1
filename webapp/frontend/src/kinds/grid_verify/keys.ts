import { arrowOf } from "../../canvas/arrows";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { clearMarks, type GridState, type GridTask, moveAt, toggleMark } from "./model";

export interface GridLayout {
  readonly columns: number;
  /** Bring what has not been seen yet onto the screen. */
  scrollOn(): void;
}

export function gridCommands(host: Host<GridTask, GridState>, layout: GridLayout): Command[] {
  const current = (): number => host.task.cells[host.state.at]?.id ?? -1;
  const move = (dx: number, dy: number): void =>
    host.amend(moveAt(host.state, dx, dy, layout.columns, host.task.cells.length));
  return [
    {
      id: "submit",
      label: t("grid_verify.submit"),
      keys: ["Space", "Enter", "NumpadEnter"],
      place: "main",
      tone: "primary",
      icon: "send",
      guarded: true,
      run() {
        if (host.state.viewed.length < host.task.cells.length) layout.scrollOn();
        host.submit();
      },
    },
    {
      id: "bad",
      label: t("grid_verify.bad"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      pressed: () => host.state.bad.includes(current()),
      run: () => host.commit(toggleMark(host.state, current(), "bad")),
    },
    {
      id: "mark-unsure",
      label: t("grid_verify.unsure"),
      keys: ["KeyU"],
      place: "main",
      icon: "unsure",
      pressed: () => host.state.unsure.includes(current()),
      run: () => host.commit(toggleMark(host.state, current(), "unsure")),
    },
    {
      id: "clear",
      label: t("grid_verify.clear"),
      keys: ["KeyA"],
      place: "tools",
      icon: "clear",
      enabled: () => host.state.bad.length + host.state.unsure.length > 0,
      run: () => host.commit(clearMarks(host.state)),
    },
    {
      id: "move",
      label: t("grid_verify.move"),
      keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
      place: "none",
      repeats: true,
      run(chord) {
        const arrow = arrowOf(chord);
        if (arrow) move(arrow.dx, arrow.dy);
      },
    },
  ];
}
