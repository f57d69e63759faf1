/** The editor of classes, attributes and skeletons. It works on the JSON text of the form, which is what is sent. */

import { fill, given, make, typed } from "./dom";
import {
  type Attribute,
  addClasses,
  changeClass,
  complaints,
  freeId,
  GEOMETRIES,
  type Joint,
  moveClass,
  type Option,
  readEdges,
  readJoints,
  readOptions,
  removeClass,
  type Schema,
  type SchemaClass,
  type Skeleton,
} from "./schema_model";
import { type Desk, finerClasses, jointSides, optionKeys, sizesOf, wholePictures } from "./schema_parts";

type Texts = Readonly<Record<string, string>>;

export class SchemaEditor {
  private schema: Schema = { classes: [] };
  private readonly desk: Desk = {
    schema: () => this.schema,
    take: (schema, redraw) => this.take(schema, redraw),
    t: (key, values) => this.t(key, values),
  };
  private readonly texts = given<Texts>("schema-texts");
  private readonly palette = given<string[]>("schema-palette");

  constructor(
    private readonly place: HTMLElement,
    private readonly text: HTMLTextAreaElement,
  ) {
    // A restored draft changes the text behind the editor's back.
    text.addEventListener("change", (event) => {
      if (event.target === text && text.value !== this.written) this.load();
    });
  }

  private written = "";

  /** Show what the text says; false when it is no schema, so that the text itself has to be mended. */
  load(): boolean {
    try {
      const read: unknown = JSON.parse(this.text.value);
      if (typeof read !== "object" || read === null || !Array.isArray((read as Schema).classes)) return false;
      this.schema = read as Schema;
    } catch {
      return false;
    }
    this.written = this.text.value;
    this.draw();
    return true;
  }

  private t(key: string, values: Readonly<Record<string, string>> = {}): string {
    return fill(this.texts[key] ?? key, values);
  }

  /** Take a change; `redraw` when rows come, go or move, otherwise the field in use would lose the focus. */
  private take(schema: Schema, redraw: boolean): void {
    this.schema = schema;
    this.written = JSON.stringify(schema, null, 1);
    this.text.value = this.written;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    if (redraw) this.draw();
    else this.mark();
  }

  private draw(): void {
    const active = document.activeElement?.id ?? "";
    const skeletons = this.schema.classes.some((c) => c.geometry === "keypoints");
    this.place.replaceChildren(
      this.heads(skeletons),
      make("ul", { class: "class-rows" }, ...this.schema.classes.map((c, at) => this.row(c, at, skeletons))),
      make(
        "div",
        { class: "actions" },
        make("button", { type: "button", id: "add-class", onclick: () => this.add([]) }, this.t("add")),
        make("span", { class: "hint" }, this.t("many")),
      ),
      this.attributes(),
      this.skeletons(),
      finerClasses(this.desk),
      wholePictures(this.desk),
    );
    this.mark();
    document.getElementById(active)?.focus();
  }

  private heads(skeletons: boolean): HTMLElement {
    const names = ["", "name", "key", "shape", ...(skeletons ? ["skeleton"] : []), ""];
    const cells = names.map((name) => make("span", {}, name && this.t(name)));
    return make("div", { class: rowClass("class-row class-heads", skeletons), "aria-hidden": "true" }, ...cells);
  }

  private row(c: SchemaClass, at: number, skeletons: boolean): HTMLElement {
    const title = c.name || this.t("unnamed");
    const change = (value: Partial<SchemaClass>, redraw = false): void =>
      this.take(changeClass(this.schema, at, value), redraw);
    const name = make("input", {
      id: `class-${at}-name`,
      value: c.name,
      maxlength: 80,
      "aria-label": `${this.t("name")} ${at + 1}`,
      dir: "auto",
      oninput: (event) => change({ name: typed(event) }),
      onpaste: (event) => this.paste(event as ClipboardEvent),
    });
    return make(
      "li",
      { class: rowClass("class-row", skeletons), "data-class": at },
      make("input", {
        type: "color",
        value: c.color,
        "aria-label": `${this.t("colour")}: ${title}`,
        oninput: (event) => change({ color: typed(event) }),
      }),
      name,
      make("input", {
        class: "key",
        value: c.key ?? "",
        maxlength: 1,
        placeholder: "–",
        "aria-label": `${this.t("key")}: ${title}`,
        oninput: (event) => change({ key: typed(event).trim() || null }),
      }),
      this.shape(c, title, (geometry) => change({ geometry }, true)),
      skeletons ? this.skeletonOf(c, title, change) : null,
      this.tools(at, title),
      c.geometry === "cuboid" ? sizesOf(this.desk, at, title) : null,
    );
  }

  private shape(c: SchemaClass, title: string, change: (geometry: string) => void): HTMLElement {
    const select = make(
      "select",
      { "aria-label": `${this.t("shape")}: ${title}`, onchange: (event) => change(typed(event)) },
      ...GEOMETRIES.map((name) => make("option", { value: name }, this.t(name))),
    );
    select.value = c.geometry ?? "box";
    return select;
  }

  private skeletonOf(c: SchemaClass, title: string, change: (value: Partial<SchemaClass>) => void): HTMLElement {
    if (c.geometry !== "keypoints") return make("span");
    const select = make(
      "select",
      { "aria-label": `${this.t("skeleton")}: ${title}`, onchange: (event) => change({ skeleton: typed(event) }) },
      make("option", { value: "" }, "–"),
      ...Object.keys(this.schema.skeletons ?? {}).map((name) => make("option", { value: name }, name)),
    );
    select.value = c.skeleton ?? "";
    return select;
  }

  private tools(at: number, title: string): HTMLElement {
    const button = (label: string, sign: string, act: () => void): HTMLElement =>
      make(
        "button",
        {
          type: "button",
          "aria-label": fill(label, { name: title }),
          title: fill(label, { name: title }),
          onclick: act,
        },
        sign,
      );
    return make(
      "span",
      { class: "row-tools" },
      button(this.texts.up ?? "", "↑", () => this.take(moveClass(this.schema, at, -1), true)),
      button(this.texts.down ?? "", "↓", () => this.take(moveClass(this.schema, at, 1), true)),
      button(this.texts.remove ?? "", "✕", () => this.take(removeClass(this.schema, at), true)),
    );
  }

  private add(names: readonly string[]): void {
    this.take(addClasses(this.schema, names, this.palette), true);
    const last = document.getElementById(`class-${this.schema.classes.length - 1}-name`);
    last?.focus();
  }

  /** Several lines pasted into a name become classes. */
  private paste(event: ClipboardEvent): void {
    const lines = (event.clipboardData?.getData("text") ?? "").split(/\r?\n/).map((line) => line.trim());
    const names = lines.filter((line) => line !== "");
    if (names.length < 2) return;
    event.preventDefault();
    const named = { ...this.schema, classes: this.schema.classes.filter((c) => c.name.trim() !== "") };
    this.take(named, false);
    this.add(names);
  }

  /** Say what is wrong at the row that it is about. */
  private mark(): void {
    const found = complaints(this.schema);
    for (const row of this.place.querySelectorAll<HTMLElement>("[data-class]")) {
      const at = Number(row.dataset.class);
      const c = this.schema.classes[at];
      const complaint = found.get(at);
      const name = row.querySelector<HTMLInputElement>(`#class-${at}-name`);
      name?.setCustomValidity(complaint ? this.t(complaint, { name: c?.name ?? "", key: c?.key ?? "" }) : "");
      name?.setAttribute("aria-invalid", String(complaint !== undefined));
      for (const shown of this.place.querySelectorAll(`[data-name-of="${at}"]`))
        shown.textContent = c?.name || this.t("unnamed");
    }
  }

  // Attributes --------------------------------------------------------------------------------------------------

  private attributes(): HTMLElement {
    const rows = this.schema.attributes ?? [];
    return make(
      "section",
      { class: "editor-part" },
      make("h3", {}, this.t("attributes")),
      ...rows.map((attribute, at) => this.attribute(attribute, at)),
      make(
        "div",
        {},
        make(
          "button",
          { type: "button", id: "add-attribute", onclick: () => this.addAttribute() },
          this.t("addattribute"),
        ),
      ),
    );
  }

  private addAttribute(): void {
    const rows = this.schema.attributes ?? [];
    const id = freeId(
      "attribute",
      rows.map((a) => a.id),
    );
    this.take({ ...this.schema, attributes: [...rows, { id, name: "", options: [], multi: false }] }, true);
    document.getElementById(`attribute-${rows.length}-name`)?.focus();
  }

  private attribute(attribute: Attribute, at: number): HTMLElement {
    const change = (value: Partial<Attribute>): void => {
      const rows = (this.schema.attributes ?? []).map((a, n) => (n === at ? { ...a, ...value } : a));
      this.take({ ...this.schema, attributes: rows }, false);
    };
    const assign = (options: Option[]): void => change({ options });
    // Read at every letter: what appeared only on leaving the field would move the button that was being pressed.
    let before = attribute.options;
    const current = (): Attribute => this.schema.attributes?.[at] ?? attribute;
    const multi = make("input", {
      type: "checkbox",
      onchange: (event) => change({ multi: (event.target as HTMLInputElement).checked }),
    });
    multi.checked = attribute.multi ?? false;
    const keys = make("span", { class: "part-chips" }, ...optionKeys(this.desk, () => current().options, assign));
    return make(
      "div",
      { class: "part-row" },
      make(
        "label",
        {},
        this.t("attribute"),
        make("input", {
          id: `attribute-${at}-name`,
          value: attribute.name,
          required: true,
          dir: "auto",
          oninput: (event) => change({ name: typed(event) }),
        }),
      ),
      make(
        "label",
        {},
        this.t("options"),
        make("input", {
          id: `attribute-${at}-options`,
          value: attribute.options.map((o) => o.name).join(", "),
          required: true,
          dir: "auto",
          onfocus: () => {
            before = current().options;
          },
          oninput: (event) => {
            change({ options: readOptions(typed(event), before) });
            keys.replaceChildren(...optionKeys(this.desk, () => current().options, assign));
          },
        }),
      ),
      make("label", { class: "tick" }, multi, this.t("multi")),
      this.removal(attribute.name, () => this.removeAttribute(at)),
      this.askedOf(attribute.id),
      keys,
    );
  }

  private askedOf(id: string): HTMLElement {
    const boxes = this.schema.classes.map((c, at) => {
      const box = make("input", {
        type: "checkbox",
        onchange: (event) => this.ask(at, id, (event.target as HTMLInputElement).checked),
      });
      box.checked = c.attributes?.includes(id) ?? false;
      return make("label", {}, box, make("span", { "data-name-of": at }, c.name || this.t("unnamed")));
    });
    return make("span", { class: "asked" }, this.t("asked"), ...boxes);
  }

  private ask(at: number, id: string, asked: boolean): void {
    const before = (this.schema.classes[at]?.attributes ?? []).filter((known) => known !== id);
    this.take(changeClass(this.schema, at, { attributes: asked ? [...before, id] : before }), false);
  }

  private removeAttribute(at: number): void {
    const gone = this.schema.attributes?.[at]?.id ?? "";
    const classes = this.schema.classes.map((c) => ({
      ...c,
      attributes: (c.attributes ?? []).filter((id) => id !== gone),
    }));
    const attributes = (this.schema.attributes ?? []).filter((_, n) => n !== at);
    this.take({ ...this.schema, classes, attributes }, true);
  }

  // Skeletons ---------------------------------------------------------------------------------------------------

  private skeletons(): HTMLElement {
    const rows = Object.entries(this.schema.skeletons ?? {});
    return make(
      "section",
      { class: "editor-part" },
      make("h3", {}, this.t("skeletons")),
      ...rows.map(([name, skeleton], at) => this.skeleton(name, skeleton, at)),
      make(
        "div",
        {},
        make(
          "button",
          { type: "button", id: "add-skeleton", onclick: () => this.addSkeleton() },
          this.t("addskeleton"),
        ),
      ),
    );
  }

  private addSkeleton(): void {
    const known = this.schema.skeletons ?? {};
    const name = freeId("skeleton", Object.keys(known));
    this.take({ ...this.schema, skeletons: { ...known, [name]: { joints: [], edges: [] } } }, true);
  }

  private skeleton(name: string, skeleton: Skeleton, at: number): HTMLElement {
    const current = (): Skeleton => this.schema.skeletons?.[name] ?? skeleton;
    const change = (value: Partial<Skeleton>): void => {
      const known = this.schema.skeletons ?? {};
      this.take({ ...this.schema, skeletons: { ...known, [name]: { ...current(), ...value } } }, false);
    };
    let before = skeleton;
    const setSides = (joints: Joint[]): void => change({ joints });
    const sides = make("span", { class: "part-chips" }, ...jointSides(this.desk, () => current().joints, setSides));
    const bones = (): string =>
      current()
        .edges.map((e) => e.join("-"))
        .join(", ");
    const edges = make("input", {
      id: `skeleton-${at}-edges`,
      value: bones(),
      dir: "auto",
      onchange: (event) => change({ edges: readEdges(typed(event), current().joints) }),
    });
    return make(
      "div",
      { class: "part-row" },
      make(
        "label",
        {},
        this.t("skeleton"),
        make("input", {
          id: `skeleton-${at}-name`,
          value: name,
          required: true,
          dir: "auto",
          onchange: (event) => this.renameSkeleton(name, typed(event).trim()),
        }),
      ),
      make(
        "label",
        {},
        this.t("joints"),
        make("input", {
          id: `skeleton-${at}-joints`,
          value: skeleton.joints.map((j) => j.name).join(", "),
          required: true,
          dir: "auto",
          onfocus: () => {
            before = current();
          },
          oninput: (event) => {
            const joints = readJoints(typed(event), before.joints);
            const names = joints.map((j) => j.name);
            change({ joints, edges: before.edges.filter((edge) => edge.every((end) => names.includes(end))) });
            edges.value = bones();
            sides.replaceChildren(...jointSides(this.desk, () => current().joints, setSides));
          },
        }),
      ),
      this.removal(name, () => this.removeSkeleton(name)),
      make("label", { class: "wide" }, this.t("bones"), edges),
      sides,
    );
  }

  private renameSkeleton(from: string, to: string): void {
    const known = this.schema.skeletons ?? {};
    if (to === "" || (to !== from && to in known)) {
      this.draw();
      return;
    }
    const skeletons = Object.fromEntries(
      Object.entries(known).map(([name, value]) => [name === from ? to : name, value]),
    );
    const classes = this.schema.classes.map((c) => (c.skeleton === from ? { ...c, skeleton: to } : c));
    this.take({ ...this.schema, skeletons, classes }, true);
  }

  private removeSkeleton(name: string): void {
    const { [name]: _gone, ...skeletons } = this.schema.skeletons ?? {};
    this.take({ ...this.schema, skeletons }, true);
  }

  private removal(name: string, act: () => void): HTMLElement {
    const label = this.t("remove", { name });
    return make(
      "span",
      { class: "row-tools" },
      make("button", { type: "button", "aria-label": label, title: label, onclick: act }, "✕"),
    );
  }
}

function rowClass(name: string, skeletons: boolean): string {
  return skeletons ? `${name} with-skeleton` : name;
}

export function schemaForm(form: HTMLFormElement): void {
  const place = form.querySelector(".schema-editor") as HTMLElement;
  const source = form.querySelector(".schema-text") as HTMLElement;
  const editor = new SchemaEditor(place, source.querySelector("textarea") as HTMLTextAreaElement);
  const readable = editor.load();
  place.hidden = !readable;
  source.hidden = readable;
}
