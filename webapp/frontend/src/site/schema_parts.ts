/** The parts of the schema editor beside classes, attributes and skeletons: what goes with a class, and whole pictures. */

import { make, typed } from "./dom";
import {
  changeClass,
  changeScene,
  chosen,
  type Joint,
  type Option,
  readNumber,
  readShare,
  type Schema,
  type SchemaClass,
} from "./schema_model";

/** What a part may know of the editor, and how it changes the schema. */
export interface Desk {
  readonly schema: () => Schema;
  readonly take: (schema: Schema, redraw: boolean) => void;
  readonly t: (key: string, values?: Readonly<Record<string, string>>) => string;
}

const SIZES = ["length", "width", "height"] as const;

/** The usual length, width and height of a cuboid's class, in metres. */
export function sizesOf(desk: Desk, at: number, title: string): HTMLElement {
  const dims = (): readonly (number | null)[] => desk.schema().classes[at]?.dims ?? [null, null, null];
  const fields = SIZES.map((name, n) =>
    make(
      "label",
      {},
      desk.t(name),
      make("input", {
        id: `class-${at}-${name}`,
        inputmode: "decimal",
        required: true,
        value: dims()[n]?.toString() ?? "",
        "aria-label": `${desk.t(name)}: ${title}`,
        oninput: (event) => {
          const next = dims().map((old, i) => (i === n ? readNumber(typed(event)) : old));
          desk.take(changeClass(desk.schema(), at, { dims: next }), false);
        },
      }),
    ),
  );
  return make("span", { class: "class-sizes" }, make("span", { class: "note" }, desk.t("sizes")), ...fields);
}

/** A box to tick for each class. `note` says what is wrong with the choice. */
function classTicks(
  desk: Desk,
  name: string,
  ids: () => readonly number[],
  without: number | undefined,
  change: (ids: number[]) => void,
  note: string,
): HTMLElement {
  const boxes = desk.schema().classes.flatMap((c, at) => {
    const id = c.id;
    if (id === undefined || id === without) return [];
    const box = make("input", {
      type: "checkbox",
      id: `${name}-${at}`,
      onchange: (event) => change(chosen(desk.schema(), ids(), id, (event.target as HTMLInputElement).checked)),
    });
    box.checked = ids().includes(id);
    const text = make("span", { "data-name-of": at }, c.name || desk.t("unnamed"));
    return [make("label", {}, box, text)];
  });
  boxes[0]?.querySelector("input")?.setCustomValidity(note);
  return make("span", { class: "asked" }, ...boxes);
}

// Whole pictures ------------------------------------------------------------------------------------------------

export function wholePictures(desk: Desk): HTMLElement {
  const scene = desk.schema().scene ?? {};
  const triage = make("input", {
    type: "checkbox",
    id: "scene-triage",
    onchange: (event) =>
      desk.take(changeScene(desk.schema(), { triage: (event.target as HTMLInputElement).checked }), false),
  });
  triage.checked = scene.triage ?? false;
  const sorted = (): readonly number[] => desk.schema().scene?.classes ?? [];
  const regions = (): readonly number[] => desk.schema().scene?.regions ?? [];
  return make(
    "section",
    { class: "editor-part" },
    make("h3", {}, desk.t("pictures")),
    make("label", { class: "tick-line" }, triage, desk.t("triage")),
    group(
      desk,
      "sorted",
      classTicks(
        desk,
        "scene-class",
        sorted,
        undefined,
        (classes) => desk.take(changeScene(desk.schema(), { classes }), true),
        sorted().length === 1 ? desk.t("onesorted") : "",
      ),
    ),
    group(
      desk,
      "regions",
      classTicks(
        desk,
        "scene-region",
        regions,
        undefined,
        (next) => desk.take(changeScene(desk.schema(), { regions: next }), true),
        "",
      ),
      regions().length > 0 ? share(desk) : null,
    ),
  );
}

function group(desk: Desk, name: string, ...parts: (HTMLElement | null)[]): HTMLElement {
  return make(
    "fieldset",
    { class: "tick-group" },
    make("legend", {}, desk.t(name)),
    make("p", { class: "hint" }, desk.t(`${name}hint`)),
    ...parts,
  );
}

function share(desk: Desk): HTMLElement {
  const input = make("input", {
    id: "scene-share",
    inputmode: "decimal",
    required: true,
    value: String(Math.round(1e4 * (desk.schema().scene?.region_share ?? 1)) / 100),
    oninput: (event) => {
      const field = event.target as HTMLInputElement;
      const wanted = readShare(field.value);
      field.setCustomValidity(wanted === null ? desk.t("badshare") : "");
      if (wanted !== null) desk.take(changeScene(desk.schema(), { region_share: wanted }), false);
    },
  });
  return make("label", { class: "tick-share" }, desk.t("share"), input);
}

// Finer classes -------------------------------------------------------------------------------------------------

export function finerClasses(desk: Desk): HTMLElement {
  const { classes } = desk.schema();
  const rows = classes.flatMap((c, at) => (c.subclasses !== undefined ? [finer(desk, c, at)] : []));
  const free = classes.findIndex((c) => c.subclasses === undefined && c.id !== undefined);
  const add = make(
    "button",
    {
      type: "button",
      id: "add-finer",
      disabled: free < 0 || classes.length < 3,
      onclick: () => {
        desk.take(changeClass(desk.schema(), free, { subclasses: [] }), true);
        document.getElementById(`finer-${free}`)?.focus();
      },
    },
    desk.t("addfiner"),
  );
  return make(
    "section",
    { class: "editor-part" },
    make("h3", {}, desk.t("finer")),
    make("p", { class: "hint" }, desk.t("finerhint")),
    ...rows,
    make("div", {}, add),
  );
}

function finer(desk: Desk, c: SchemaClass, at: number): HTMLElement {
  const { classes } = desk.schema();
  const ids = (): readonly number[] => desk.schema().classes[at]?.subclasses ?? [];
  const select = make(
    "select",
    { id: `finer-${at}`, onchange: (event) => move(desk, at, Number(typed(event))) },
    ...classes.flatMap((other, n) =>
      n === at || other.subclasses === undefined
        ? [make("option", { value: n, selected: n === at }, other.name || desk.t("unnamed"))]
        : [],
    ),
  );
  const label = desk.t("remove", { name: c.name });
  const remove = make(
    "button",
    { type: "button", "aria-label": label, title: label, onclick: () => desk.take(withFiner(desk.schema(), at), true) },
    "✕",
  );
  return make(
    "div",
    { class: "part-row finer-row" },
    make("label", {}, desk.t("class"), select),
    make("span", { class: "row-tools" }, remove),
    make(
      "fieldset",
      { class: "tick-group wide" },
      make("legend", {}, desk.t("named")),
      classTicks(
        desk,
        `finer-${at}`,
        ids,
        c.id,
        (next) => desk.take(changeClass(desk.schema(), at, { subclasses: next }), true),
        ids().length === 1 ? desk.t("onefiner") : "",
      ),
    ),
  );
}

/** Another class is the one that is named more finely. */
function move(desk: Desk, from: number, to: number): void {
  const { classes } = desk.schema();
  const kept = (classes[from]?.subclasses ?? []).filter((id) => id !== classes[to]?.id);
  desk.take(changeClass(withFiner(desk.schema(), from), to, { subclasses: kept }), true);
}

/** Without finer classes of one class. */
function withFiner(schema: Schema, at: number): Schema {
  const classes = schema.classes.map((c, n) => {
    if (n !== at) return c;
    const { subclasses: _gone, ...rest } = c;
    return rest;
  });
  return { ...schema, classes };
}

// Keys of options, sides of joints -------------------------------------------------------------------------------

/** A key for each option of an attribute. */
export function optionKeys(
  desk: Desk,
  options: () => readonly Option[],
  change: (options: Option[]) => void,
): HTMLElement[] {
  const fields = options().map((option) => {
    const used = (key: string): boolean => options().some((other) => other.id !== option.id && other.key === key);
    const input = make("input", {
      class: "key",
      maxlength: 1,
      value: option.key ?? "",
      placeholder: "–",
      "aria-label": `${desk.t("key")}: ${option.name}`,
      oninput: (event) => {
        const field = event.target as HTMLInputElement;
        const key = field.value.trim() || null;
        field.setCustomValidity(key !== null && used(key) ? desk.t("samekey", { key }) : "");
        change(options().map((known) => (known.id === option.id ? { ...known, key } : known)));
      },
    });
    return make("label", {}, option.name, input);
  });
  return fields.length > 0 ? [make("span", {}, desk.t("keys")), ...fields] : [];
}

/** Which side of the object each joint is on. */
export function jointSides(
  desk: Desk,
  joints: () => readonly Joint[],
  change: (joints: Joint[]) => void,
): HTMLElement[] {
  const fields = joints().map((joint, at) => {
    const select = make(
      "select",
      {
        "aria-label": `${desk.t("side")}: ${joint.name}`,
        onchange: (event) =>
          change(joints().map((known, n) => (n === at ? { ...known, side: typed(event) || null } : known))),
      },
      make("option", { value: "" }, "–"),
      make("option", { value: "left" }, desk.t("left")),
      make("option", { value: "right" }, desk.t("right")),
    );
    select.value = joint.side ?? "";
    return make("label", {}, joint.name, select);
  });
  return fields.length > 0 ? [make("span", {}, desk.t("side")), ...fields] : [];
}
