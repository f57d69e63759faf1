/** Choosing a class: one button per class while they are few, a search field above a short list when they are many. */

import { el } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { LabelClass } from "../task";
import { classCommands } from "./tools";

const FEW = 9;

export class ClassPicker {
  readonly element: HTMLElement;
  readonly commands: readonly Command[];
  private readonly group = new CommandGroup("row", "stack classes");
  private readonly byClass: ReadonlyMap<number, Command>;
  private readonly search = el("input", {
    type: "search",
    class: "field",
    placeholder: t("side.search"),
    "aria-label": t("side.search"),
  });

  constructor(
    private readonly classes: readonly LabelClass[],
    private readonly current: () => number,
    choose: (id: number) => void,
  ) {
    const digits = classCommands(classes, current, choose);
    this.byClass = new Map(
      classes.map((c) => [c.id, digits.find((d) => d.id === `class-${c.id}`) ?? plain(c, current, choose)]),
    );
    this.commands =
      classes.length > 1 ? [...this.byClass.values(), ...(classes.length > FEW ? [this.searchCommand()] : [])] : [];
    this.element = el(
      "section",
      { class: "side-section", hidden: classes.length < 2 },
      el("h2", {}, t("side.class")),
      classes.length > FEW && this.search,
      this.group.element,
    );
    this.search.addEventListener("input", () => this.render());
    this.search.addEventListener("keydown", (event) => this.typed(event, choose));
  }

  render(): void {
    this.group.show(this.listed().flatMap((c) => this.byClass.get(c.id) ?? []));
  }

  /** The current class first, then those that match what was typed. */
  private listed(): readonly LabelClass[] {
    if (this.classes.length <= FEW) return this.classes;
    const typed = this.search.value.trim().toLocaleLowerCase();
    const matching = this.classes.filter((c) => c.name.toLocaleLowerCase().includes(typed) && c.id !== this.current());
    const now = this.classes.filter((c) => c.id === this.current());
    return [...now, ...matching].slice(0, FEW);
  }

  private typed(event: KeyboardEvent, choose: (id: number) => void): void {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    const typed = this.search.value.trim() !== "";
    const first = this.listed().find((c) => c.id !== this.current());
    this.search.value = "";
    this.search.blur();
    if (event.key === "Enter" && typed && first) choose(first.id);
    this.render();
  }

  private searchCommand(): Command {
    return {
      id: "class-search",
      label: t("side.search"),
      keys: ["Digit0", "Slash"],
      place: "none",
      run: () => this.search.focus(),
    };
  }
}

function plain(c: LabelClass, current: () => number, choose: (id: number) => void): Command {
  return {
    id: `class-${c.id}`,
    label: c.name,
    keys: [],
    place: "side",
    swatch: c.color,
    pressed: () => current() === c.id,
    run: () => choose(c.id),
  };
}
