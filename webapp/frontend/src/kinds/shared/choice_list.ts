/**
 * One class out of a list: by a click, by its digit, by the arrow keys or by typing a part of its name. The classes stand
 * in the order of the schema, so that hands learn them and nothing shows what a model thinks.
 */

import { el, keepFocus, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import { classDigits, type LabelClass } from "../task";

export interface ChoiceListOptions {
  readonly classes: readonly LabelClass[];
  choose(id: number): void;
  /** Said when nothing is marked yet. */
  readonly missing: string;
  /** What else it may be, where the question takes a second choice. */
  readonly second?: { current(): number | null; toggle(id: number): void };
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly element: HTMLElement;
  readonly second: HTMLElement | null;
}

/** From this many classes on, a search field stands above them. */
const MANY = 10;

export class ChoiceList {
  readonly element: HTMLElement;
  readonly commands: readonly Command[];
  private readonly rows: readonly Row[];
  private readonly search: HTMLInputElement | null;
  private readonly spoken = el("span", { class: "unseen", "aria-live": "polite" });
  private readonly empty = el("p", { class: "note", hidden: true }, t("choice.no_match"));
  private highlighted: number | null = null;

  constructor(private readonly options: ChoiceListOptions) {
    const digits = classDigits(options.classes);
    this.rows = options.classes.map((c) => this.row(c, digits.get(c.id) ?? null));
    this.search = options.classes.length >= MANY ? this.searchField() : null;
    this.element = el(
      "section",
      { class: "side-section choice-list" },
      el("h2", {}, t("side.class")),
      this.search,
      el("div", { class: "choices" }, ...this.rows.map((r) => r.element)),
      this.empty,
      this.spoken,
    );
    this.commands = this.own(digits);
  }

  render(): void {
    const typed = this.typed();
    const shown = this.shown();
    for (const row of this.rows) {
      setAll(row.element, { hidden: !shown.includes(row), "data-current": row.id === this.highlighted });
      if (row.second) setAll(row.second, { "aria-pressed": String(this.options.second?.current() === row.id) });
    }
    setAll(this.empty, { hidden: shown.length > 0 || typed === "" });
  }

  private typed(): string {
    return (this.search?.value ?? "").trim().toLocaleLowerCase();
  }

  /** What starts with the typed text goes before what only contains it; both in the schema's order. */
  private shown(): readonly Row[] {
    return matching(this.rows, this.typed());
  }

  private highlight(by: 1 | -1): void {
    const shown = this.shown();
    const now = shown.findIndex((r) => r.id === this.highlighted);
    const next = shown[now < 0 ? (by > 0 ? 0 : shown.length - 1) : (now + by + shown.length) % shown.length];
    this.highlighted = next?.id ?? null;
    setText(this.spoken, next?.name ?? "");
    next?.element.scrollIntoView?.({ block: "nearest" });
    this.render();
  }

  private confirm(): boolean {
    const row = this.shown().find((r) => r.id === this.highlighted);
    if (row) this.options.choose(row.id);
    return row !== undefined;
  }

  private row(c: LabelClass, digit: string | null): Row {
    const { options } = this;
    const second =
      options.second &&
      el(
        "button",
        {
          type: "button",
          class: "chip choice-second",
          "aria-label": `${t("choice.second_short")} · ${t("choice.second_of", { class: c.name })}`,
          title: t("choice.second"),
          "data-action": `second-${c.id}`,
          onmousedown: keepFocus,
          onclick: () => options.second?.toggle(c.id),
        },
        t("choice.second_short"),
      );
    const button = el(
      "button",
      {
        type: "button",
        class: "choice",
        "data-action": `class-${c.id}`,
        onmousedown: keepFocus,
        onclick: () => options.choose(c.id),
      },
      el("span", { class: "swatch", style: `--swatch: ${c.color}` }),
      el("span", { class: "choice-name" }, c.name),
      digit && el("kbd", { class: "keycap" }, digit),
    );
    return {
      id: c.id,
      name: c.name,
      element: el("div", { class: "choice-row" }, button, second),
      second: second ?? null,
    };
  }

  private searchField(): HTMLInputElement {
    const search = el("input", {
      type: "search",
      class: "field",
      placeholder: t("side.search"),
      "aria-label": t("side.search"),
      "data-testid": "class-search",
    });
    search.addEventListener("input", () => {
      this.highlighted = this.typed() === "" ? null : (this.shown()[0]?.id ?? null);
      setText(this.spoken, this.rows.find((r) => r.id === this.highlighted)?.name ?? "");
      this.render();
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        this.highlight(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter") {
        event.preventDefault();
        event.stopPropagation();
        this.confirm();
      } else if (event.key === "Escape") {
        search.value = "";
        this.highlighted = null;
        this.render();
      }
    });
    return search;
  }

  private own(digits: ReadonlyMap<number, string>): Command[] {
    const { classes, second, choose } = this.options;
    const with_digit = classes.filter((c) => digits.has(c.id));
    return [
      ...with_digit.map((c) => ({
        id: `class-${c.id}`,
        label: c.name,
        keys: [`Digit${digits.get(c.id)}`, `Numpad${digits.get(c.id)}`],
        place: "none" as const,
        guarded: true,
        run: () => choose(c.id),
      })),
      ...(second
        ? with_digit.map((c) => ({
            id: `second-${c.id}`,
            label: t("choice.second_of", { class: c.name }),
            keys: [`Shift+Digit${digits.get(c.id)}`],
            place: "none" as const,
            run: () => second.toggle(c.id),
          }))
        : []),
      {
        id: "highlight",
        label: t("choice.highlight"),
        keys: ["ArrowDown", "ArrowUp"],
        place: "none",
        repeats: true,
        run: (chord) => this.highlight(chord === "ArrowUp" ? -1 : 1),
      },
      {
        id: "confirm",
        label: t("choice.confirm"),
        keys: ["Space", "Enter", "NumpadEnter"],
        place: "none",
        guarded: true,
        whyNot: this.options.missing,
        enabled: () => this.highlighted !== null,
        run: () => void this.confirm(),
      },
      ...(this.search ? [this.searchCommand(this.search)] : []),
    ];
  }

  private searchCommand(search: HTMLInputElement): Command {
    return {
      id: "class-search",
      label: t("side.search"),
      keys: ["Slash", "Digit0"],
      place: "none",
      run: () => search.focus(),
    };
  }
}

/** Those whose name has a word that starts with the text, before those that only contain it. */
export function matching<R extends { readonly name: string }>(rows: readonly R[], typed: string): readonly R[] {
  if (typed === "") return rows;
  const holding = rows.filter((r) => r.name.toLocaleLowerCase().includes(typed));
  const starting = holding.filter((r) => ` ${r.name.toLocaleLowerCase()}`.includes(` ${typed}`));
  return [...starting, ...holding.filter((r) => !starting.includes(r))];
}
