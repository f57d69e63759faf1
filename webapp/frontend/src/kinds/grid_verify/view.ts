import { display } from "../../canvas/display";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded } from "../shared/looks";
import { toleranceCommand } from "../shared/tools";
import { CellView, paintLarge } from "./cell";
import { gridCommands } from "./keys";
import { cycleMark, type GridState, type GridTask, layOut, MS_PER_CELL, promptGrid, see, toggleMark } from "./model";

const GAP_PX = 8;
const LEAST_PX = 116;
const MOST_PX = 260;
const HOVER_MS = 600;
const LARGE_PX = 440;
/** A cell on screen for this long, and by half, has been seen. */
const SEEN_AFTER_MS = 150;

export function mountGrid(host: Host<GridTask, GridState>): KindView<GridState> {
  return new GridView(host);
}

class GridView implements KindView<GridState> {
  readonly element: HTMLElement;
  readonly stages = [];
  readonly commands: readonly Command[];
  columns = 1;
  private cellPx = 0;
  private bare = false;
  private readonly band = { shown: false };
  private readonly grid: HTMLElement;
  private readonly count = el("p", { class: "grid-count", "aria-live": "polite" });
  private readonly large = el("div", { class: "grid-large", hidden: true }, el("canvas"));
  private readonly cells: CellView[];
  private readonly sized: ResizeObserver | null;
  private readonly seen: IntersectionObserver | null;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();
  private readonly unlisten = display.onChange(() => this.paint());
  private readonly ripening: ReturnType<typeof setTimeout>;
  private hovering: ReturnType<typeof setTimeout> | undefined;
  private at = -1;

  constructor(private readonly host: Host<GridTask, GridState>) {
    const { cells } = host.task;
    this.cells = cells.map((cell, index) => new CellView(cell, index + 1, cells.length));
    this.grid = el(
      "div",
      {
        class: "grid",
        role: "listbox",
        "aria-multiselectable": "true",
        "aria-label": promptGrid(host.task),
        tabindex: -1,
        "data-testid": "stage",
      },
      ...this.cells.map((c) => c.element),
    );
    const bar = el("div", { class: "grid-bar" }, this.count, el("p", { class: "grid-hint" }, t("grid_verify.hint")));
    this.element = el("div", { class: "grid-page" }, el("div", { class: "grid-scroll" }, this.grid), bar, this.large);
    this.commands = [
      ...gridCommands(host, this),
      toleranceCommand(this.band, () => this.paint()),
      this.hideCommand(),
      this.loupeCommand(),
    ];
    this.listen();
    this.sized = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.layOut());
    this.sized?.observe(this.grid.parentElement as HTMLElement);
    this.seen = this.watch();
    this.ripening = setTimeout(() => host.amend({ ...host.state, ripe: true }), cells.length * MS_PER_CELL);
  }

  render(state: GridState): void {
    this.cells.forEach((view, index) => {
      const { id } = view.cell;
      const mark = state.bad.includes(id) ? "bad" : state.unsure.includes(id) ? "unsure" : "ok";
      view.update({ mark, current: index === state.at, viewed: state.viewed.includes(id) });
    });
    const marked = state.bad.length + state.unsure.length;
    const counts = { bad: state.bad.length, unsure: state.unsure.length, ok: this.cells.length - marked };
    setText(this.count, t("grid_verify.count", counts));
    if (this.at !== state.at && this.at >= 0) this.cells[state.at]?.element.scrollIntoView?.({ block: "nearest" });
    this.at = state.at;
    if (this.cellPx === 0) this.layOut();
  }

  scrollOn(): void {
    const next = this.cells.find((view) => !this.host.state.viewed.includes(view.cell.id));
    next?.element.scrollIntoView?.({ block: "start", behavior: "smooth" });
  }

  destroy(): void {
    clearTimeout(this.ripening);
    clearTimeout(this.hovering);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.sized?.disconnect();
    this.seen?.disconnect();
    this.unlisten();
  }

  private layOut(): void {
    const room = this.grid.parentElement as HTMLElement;
    const w = room.clientWidth - 2 * GAP_PX;
    const h = room.clientHeight - 2 * GAP_PX;
    if (w <= 0 || h <= 0) return;
    const { columns, side } = layOut(this.cells.length, w, h, GAP_PX, Math.min(LEAST_PX, w / 3 - GAP_PX), MOST_PX);
    if (columns === this.columns && side === this.cellPx) return;
    this.columns = columns;
    this.cellPx = side;
    this.grid.style.gridTemplateColumns = `repeat(${columns}, ${side}px)`;
    this.paint();
  }

  private paint(): void {
    if (this.cellPx === 0) return;
    const tolerance = this.band.shown ? this.host.task.tolerance : null;
    for (const view of this.cells) {
      view.paint(decoded(view.cell.media, this.host.pictures), this.cellPx, tolerance, this.bare);
    }
  }

  private listen(): void {
    const indexOf = (event: Event): number =>
      this.cells.findIndex((view) => event.target instanceof Node && view.element.contains(event.target));
    const on = (index: number, change: (state: GridState, id: number) => GridState): void => {
      const view = this.cells[index];
      if (view && this.host.armed()) this.host.commit({ ...change(this.host.state, view.cell.id), at: index });
    };
    this.grid.addEventListener("click", (event) => on(indexOf(event), cycleMark));
    this.grid.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      on(indexOf(event), (state, id) => toggleMark(state, id, "unsure"));
    });
    this.grid.addEventListener("pointerover", (event) => {
      clearTimeout(this.hovering);
      const index = indexOf(event);
      if (index >= 0 && event.pointerType === "mouse") this.hovering = setTimeout(() => this.enlarge(index), HOVER_MS);
    });
    this.grid.addEventListener("pointerout", () => {
      clearTimeout(this.hovering);
      this.large.hidden = true;
    });
  }

  /** A large picture beside the cell, never on top of it. */
  private enlarge(index: number): void {
    const view = this.cells[index];
    const canvas = this.large.querySelector("canvas");
    if (!view || !canvas) return;
    const page = this.element.getBoundingClientRect();
    const box = view.element.getBoundingClientRect();
    const side = Math.min(LARGE_PX, page.width - 24, page.height - 24);
    paintLarge(canvas, view.cell, decoded(view.cell.media, this.host.pictures), side, this.bare);
    const right = box.right + 12 + side < page.right;
    const left = right ? box.right + 12 : Math.max(page.left + 8, box.left - 12 - side);
    const top = Math.min(Math.max(page.top + 8, box.top + box.height / 2 - side / 2), page.bottom - side - 8);
    this.large.style.left = `${left - page.left}px`;
    this.large.style.top = `${top - page.top}px`;
    this.large.hidden = false;
  }

  private watch(): IntersectionObserver | null {
    const every = this.cells.map((view) => view.cell.id);
    if (typeof IntersectionObserver === "undefined") {
      this.host.amend(see(this.host.state, every));
      return null;
    }
    const observer = new IntersectionObserver((entries) => this.crossed(entries), {
      root: this.grid.parentElement,
      threshold: 0.5,
    });
    for (const view of this.cells) observer.observe(view.element);
    return observer;
  }

  private crossed(entries: readonly IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const id = Number(entry.target.getAttribute("data-cell"));
      clearTimeout(this.timers.get(id));
      if (entry.intersectionRatio < 0.5) continue;
      this.timers.set(
        id,
        setTimeout(() => this.host.amend(see(this.host.state, [id])), SEEN_AFTER_MS),
      );
    }
  }

  private hideCommand(): Command {
    const show = (bare: boolean): void => {
      this.bare = bare;
      this.paint();
    };
    return {
      id: "hide",
      label: t("action.hide"),
      keys: ["KeyH"],
      place: "tools",
      icon: "hide",
      pressed: () => this.bare,
      run: () => show(true),
      release: () => show(false),
    };
  }

  private loupeCommand(): Command {
    return {
      id: "loupe",
      label: t("action.loupe"),
      keys: ["KeyZ"],
      place: "tools",
      icon: "loupe",
      pressed: () => !this.large.hidden,
      run: () => this.enlarge(this.host.state.at),
      release: () => {
        this.large.hidden = true;
      },
    };
  }
}
