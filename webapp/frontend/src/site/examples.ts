/** Right and wrong examples of a guideline: squares cut from the project's own pictures. */

import { given, make, svg, typed } from "./dom";

export interface Example {
  readonly verdict: string;
  readonly caption: string;
  readonly class: number | null;
  readonly scene: number;
  readonly rect: readonly [number, number, number, number];
}

interface Picture {
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

interface Named {
  readonly id: number;
  readonly name: string;
}

type Texts = Readonly<Record<string, string>>;
type Rect = Example["rect"];

/** The square of this side around a point, moved into the picture and shrunk where it must be. */
export function squareAround(x: number, y: number, side: number, width: number, height: number): Rect {
  const w = Math.min(side, width);
  const h = Math.min(side, height);
  const left = Math.min(Math.max(x - w / 2, 0), width - w);
  const top = Math.min(Math.max(y - h / 2, 0), height - h);
  return [left, top, w, h];
}

const preview = (scene: number): string => `/ops/scenes/${scene}/preview.jpg`;

export class ExampleEditor {
  private examples: Example[] = [];
  private readonly texts = given<Texts>("example-texts");
  private readonly pictures = given<Picture[]>("example-pictures");
  private readonly classes = given<Named[]>("example-classes");
  private written = "";

  constructor(
    private readonly place: HTMLElement,
    private readonly text: HTMLTextAreaElement,
  ) {
    text.addEventListener("change", () => {
      if (text.value !== this.written) this.load();
    });
  }

  load(): boolean {
    try {
      const read: unknown = JSON.parse(this.text.value);
      if (!Array.isArray(read)) return false;
      this.examples = read as Example[];
    } catch {
      return false;
    }
    this.written = this.text.value;
    this.draw();
    return true;
  }

  private t(key: string): string {
    return this.texts[key] ?? key;
  }

  private take(examples: Example[], redraw: boolean): void {
    this.examples = examples;
    this.written = JSON.stringify(examples);
    this.text.value = this.written;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    if (redraw) this.draw();
  }

  private draw(): void {
    const add =
      this.pictures.length > 0
        ? make("button", { type: "button", "data-action": "add-example", onclick: () => this.pick() }, this.t("add"))
        : make("p", { class: "hint" }, this.t("nopictures"));
    const cards = this.examples.map((example, at) => this.card(example, at));
    this.place.replaceChildren(
      cards.length > 0
        ? make("ul", { class: "example-cards" }, ...cards)
        : make("p", { class: "empty-line" }, this.t("none")),
      add,
    );
  }

  private card(example: Example, at: number): HTMLElement {
    const change = (value: Partial<Example>, redraw = false): void =>
      this.take(
        this.examples.map((e, n) => (n === at ? { ...e, ...value } : e)),
        redraw,
      );
    const verdict = make(
      "select",
      {
        "aria-label": `${this.t("right")} / ${this.t("wrong")}`,
        onchange: (event) => change({ verdict: typed(event) }, true),
      },
      make("option", { value: "right" }, `✓ ${this.t("right")}`),
      make("option", { value: "wrong" }, `✗ ${this.t("wrong")}`),
    );
    verdict.value = example.verdict;
    const label = make(
      "select",
      {
        "aria-label": this.t("class"),
        onchange: (event) => change({ class: typed(event) === "" ? null : Number(typed(event)) }),
      },
      make("option", { value: "" }, this.t("all")),
      ...this.classes.map((c) => make("option", { value: c.id }, c.name)),
    );
    label.value = example.class === null || example.class === undefined ? "" : String(example.class);
    return make(
      "li",
      { class: `example-card ${example.verdict}` },
      make("div", { class: "crop" }, this.crop(example)),
      make("div", { class: "pair" }, verdict, label),
      make("input", {
        value: example.caption,
        maxlength: 200,
        required: true,
        placeholder: this.t("caption"),
        "aria-label": this.t("caption"),
        dir: "auto",
        oninput: (event) => change({ caption: typed(event) }),
      }),
      make(
        "button",
        {
          type: "button",
          class: "button small",
          onclick: () =>
            this.take(
              this.examples.filter((_, n) => n !== at),
              true,
            ),
        },
        this.t("remove"),
      ),
    );
  }

  private crop(example: Example): Node {
    const picture = this.pictures.find((p) => p.id === example.scene);
    const view = svg("svg", { viewBox: example.rect.join(" "), "aria-hidden": "true" });
    if (picture) view.append(svg("image", { href: preview(picture.id), width: picture.width, height: picture.height }));
    return view;
  }

  /** A dialog: choose a picture, mark a square in it with a click, the arrow keys or by dragging nothing at all. */
  private pick(): void {
    const dialog = make("dialog", { "aria-label": this.t("add") });
    const stage = make("div", { class: "picker-stage" });
    const size = make("input", { type: "range", min: 3, max: 60, value: 15, "aria-label": this.t("size") });
    const choice = make(
      "select",
      { "aria-label": this.t("picture") },
      ...this.pictures.map((p) => make("option", { value: p.id }, p.name)),
    );
    let at = { x: 0, y: 0 };
    let mark: SVGElement | null = null;
    const picture = (): Picture =>
      this.pictures.find((p) => p.id === Number(choice.value)) ?? (this.pictures[0] as Picture);
    const rect = (): Rect => {
      const p = picture();
      const side = (Number(size.value) / 100) * Math.max(p.width, p.height);
      return squareAround(at.x, at.y, side, p.width, p.height);
    };
    const show = (): void => {
      const [x, y, w, h] = rect();
      for (const [name, value] of Object.entries({ x, y, width: w, height: h }))
        mark?.setAttribute(name, String(value));
    };
    const open = (): void => {
      const p = picture();
      at = { x: p.width / 2, y: p.height / 2 };
      const view = svg("svg", {
        viewBox: `0 0 ${p.width} ${p.height}`,
        tabindex: 0,
        role: "application",
        "aria-label": this.t("place"),
      });
      mark = svg("rect", { class: "mark" });
      view.append(svg("image", { href: preview(p.id), width: p.width, height: p.height }), mark);
      view.addEventListener("click", (event) => {
        const frame = view.getBoundingClientRect();
        at = {
          x: (((event as MouseEvent).clientX - frame.left) / frame.width) * p.width,
          y: (((event as MouseEvent).clientY - frame.top) / frame.height) * p.height,
        };
        show();
      });
      view.addEventListener("keydown", (event) => {
        const step = Math.max(p.width, p.height) / ((event as KeyboardEvent).shiftKey ? 20 : 100);
        const moves: Record<string, [number, number]> = {
          ArrowLeft: [-1, 0],
          ArrowRight: [1, 0],
          ArrowUp: [0, -1],
          ArrowDown: [0, 1],
        };
        const move = moves[(event as KeyboardEvent).key];
        if (!move) return;
        event.preventDefault();
        at = {
          x: Math.min(Math.max(at.x + move[0] * step, 0), p.width),
          y: Math.min(Math.max(at.y + move[1] * step, 0), p.height),
        };
        show();
      });
      stage.replaceChildren(view);
      show();
    };
    const close = (): void => {
      dialog.close();
      dialog.remove();
    };
    const use = (): void => {
      const rounded = rect().map((v) => Math.round(v * 10) / 10) as unknown as Rect;
      this.take(
        [...this.examples, { verdict: "right", caption: "", class: null, scene: picture().id, rect: rounded }],
        true,
      );
      close();
      this.place.querySelector<HTMLInputElement>(".example-card:last-child input")?.focus();
    };
    choice.addEventListener("change", open);
    size.addEventListener("input", show);
    dialog.append(
      make(
        "div",
        { class: "picker" },
        make("h2", {}, this.t("place")),
        stage,
        make(
          "div",
          { class: "picker-tools" },
          make("label", {}, this.t("picture"), choice),
          make("label", {}, this.t("size"), size),
          make(
            "div",
            { class: "actions" },
            make(
              "button",
              { type: "button", class: "primary", "data-action": "use-place", onclick: use },
              this.t("use"),
            ),
            make("button", { type: "button", onclick: close }, this.t("cancel")),
          ),
        ),
      ),
    );
    this.place.append(dialog);
    open();
    dialog.showModal();
    stage.querySelector<SVGElement>("svg")?.focus();
  }
}

export function guidelineForm(form: HTMLFormElement): void {
  const place = form.querySelector(".example-editor") as HTMLElement;
  const source = form.querySelector(".example-text") as HTMLElement;
  const editor = new ExampleEditor(place, source.querySelector("textarea") as HTMLTextAreaElement);
  const readable = editor.load();
  place.hidden = !readable;
  source.hidden = readable;
}
