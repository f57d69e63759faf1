/** The label schema as the editor changes it; pure. The server checks it again and knows all the rules. */

export interface SchemaClass {
  readonly id?: number;
  readonly name: string;
  readonly color: string;
  readonly key: string | null;
  readonly geometry?: string;
  readonly skeleton?: string;
  readonly attributes?: readonly string[];
  /** Usual length, width and height in metres; null where none is given yet. */
  readonly dims?: readonly (number | null)[];
  readonly subclasses?: readonly number[];
  readonly [more: string]: unknown;
}

export interface Option {
  readonly id: string;
  readonly name: string;
  readonly key?: string | null;
}

export interface Attribute {
  readonly id: string;
  readonly name: string;
  readonly options: readonly Option[];
  readonly multi?: boolean;
}

export interface Joint {
  readonly name: string;
  readonly label?: string;
  readonly side?: string | null;
}

export interface Skeleton {
  readonly joints: readonly Joint[];
  readonly edges: readonly (readonly [string, string])[];
}

/** What is asked of whole pictures: whether they can be used, what they are, and what covers every part of them. */
export interface SceneAsk {
  readonly triage?: boolean;
  readonly classes?: readonly number[];
  readonly regions?: readonly number[];
  readonly region_share?: number;
}

export interface Schema {
  readonly classes: readonly SchemaClass[];
  readonly attributes?: readonly Attribute[];
  readonly skeletons?: Readonly<Record<string, Skeleton>>;
  readonly scene?: SceneAsk;
  readonly [more: string]: unknown;
}

export const GEOMETRIES = ["box", "polygon", "mask", "keypoints", "polyline", "cuboid"] as const;

/** The first of 1 to 9 that no class has. */
export function freeKey(schema: Schema): string | null {
  const used = new Set(schema.classes.map((c) => c.key));
  return [..."123456789"].find((key) => !used.has(key)) ?? null;
}

/** The colour of the palette that fewest classes have, the first of several. */
export function freeColour(schema: Schema, palette: readonly string[]): string {
  const times = palette.map((colour) => schema.classes.filter((c) => c.color === colour).length);
  return palette[times.indexOf(Math.min(...times))] ?? "#56b4e9";
}

/** An id for a class that is not saved yet: below zero, so that the server gives it one that was never used. */
function newId(schema: Schema): number {
  return Math.min(0, ...schema.classes.map((c) => c.id ?? 0)) - 1;
}

/** With one more class for each name that is not there yet; without names, an empty one. */
export function addClasses(schema: Schema, names: readonly string[], palette: readonly string[]): Schema {
  let next = schema;
  for (const name of names.length > 0 ? names : [""]) {
    const known = next.classes.some((c) => c.name.toLowerCase() === name.toLowerCase());
    if (name !== "" && known) continue;
    const fresh = { id: newId(next), name, color: freeColour(next, palette), key: freeKey(next) };
    next = { ...next, classes: [...next.classes, fresh] };
  }
  return next;
}

/** With one class changed. A geometry of its own has no place for what belongs to another one. */
export function changeClass(schema: Schema, index: number, change: Partial<SchemaClass>): Schema {
  const classes = schema.classes.map((c, at) => {
    if (at !== index) return c;
    const { skeleton, dims, ...rest } = { ...c, ...change };
    const geometry = rest.geometry ?? "box";
    return {
      ...rest,
      ...(geometry === "keypoints" && skeleton ? { skeleton } : {}),
      ...(geometry === "cuboid" ? { dims: dims ?? [null, null, null] } : {}),
    };
  });
  return { ...schema, classes };
}

/** Without one class and whatever refers to it. */
export function removeClass(schema: Schema, index: number): Schema {
  const gone = schema.classes[index]?.id;
  const others = (ids: readonly number[]): number[] => ids.filter((id) => id !== gone);
  const classes = schema.classes
    .filter((_, at) => at !== index)
    .map((c) => (c.subclasses ? { ...c, subclasses: others(c.subclasses) } : c));
  const { scene, ...rest } = { ...schema, classes };
  if (!scene) return rest;
  const { classes: sorted, regions, ...asked } = scene;
  return {
    ...rest,
    scene: {
      ...asked,
      ...(sorted ? { classes: others(sorted) } : {}),
      ...(regions ? { regions: others(regions) } : {}),
    },
  };
}

/** With something else asked of whole pictures. A share belongs to regions alone. */
export function changeScene(schema: Schema, change: Partial<SceneAsk>): Schema {
  const { region_share, ...rest } = { ...schema.scene, ...change };
  const regions = rest.regions ?? [];
  const share = regions.length > 0 && region_share !== undefined ? { region_share } : {};
  return { ...schema, scene: { ...rest, ...share } };
}

/** With a class taken into a list of ids or out of it, in the order of the schema. */
export function chosen(schema: Schema, ids: readonly number[], id: number, on: boolean): number[] {
  const wanted = new Set(on ? [...ids, id] : ids.filter((known) => known !== id));
  return schema.classes.map((c) => c.id ?? Number.NaN).filter((known) => wanted.has(known));
}

/** A share in percent as it is typed: above 0, at most 100; null for anything else. */
export function readShare(text: string): number | null {
  const percent = readNumber(text);
  return percent !== null && percent > 0 && percent <= 100 ? Math.round(percent * 1e4) / 1e6 : null;
}

/** A number with a point or a comma; null for anything else. */
export function readNumber(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/** With one class moved up (-1) or down (1); at an end it stays. */
export function moveClass(schema: Schema, index: number, by: -1 | 1): Schema {
  const to = index + by;
  const moved = schema.classes[index];
  if (!moved || to < 0 || to >= schema.classes.length) return schema;
  const classes = schema.classes.filter((_, at) => at !== index);
  return { ...schema, classes: [...classes.slice(0, to), moved, ...classes.slice(to)] };
}

export type Complaint = "noname" | "samename" | "samekey" | "noskeleton" | "nodims" | "onefiner";

/** What is wrong with each class, by its index. */
export function complaints(schema: Schema): ReadonlyMap<number, Complaint> {
  const found = new Map<number, Complaint>();
  schema.classes.forEach((c, index) => {
    const before = schema.classes.slice(0, index);
    const name = c.name.trim().toLowerCase();
    if (name === "") found.set(index, "noname");
    else if (before.some((other) => other.name.trim().toLowerCase() === name)) found.set(index, "samename");
    else if (c.key !== null && before.some((other) => other.key === c.key)) found.set(index, "samekey");
    else if (c.geometry === "keypoints" && !(c.skeleton && c.skeleton in (schema.skeletons ?? {})))
      found.set(index, "noskeleton");
    else if (c.geometry === "cuboid" && !(c.dims ?? [null]).every((m) => m !== null && m > 0 && m <= 100))
      found.set(index, "nodims");
    else if (c.subclasses?.length === 1) found.set(index, "onefiner");
  });
  return found;
}

/** A text id that none of the others has. */
export function freeId(name: string, used: readonly string[]): string {
  const base = name
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 36)
    .toLowerCase();
  const start = base || "a";
  if (!used.includes(start)) return start;
  for (let n = 2; ; n++) if (!used.includes(`${start}_${n}`)) return `${start}_${n}`;
}

/** Options by name, in their new order; those that keep their name keep their id and key. */
export function readOptions(text: string, before: readonly Option[]): Option[] {
  const out: Option[] = [];
  for (const name of listed(text)) {
    if (out.some((option) => option.name === name)) continue;
    const kept = before.find((option) => option.name === name);
    const used = [...before, ...out].map((option) => option.id);
    out.push(kept ?? { id: freeId(name, used), name });
  }
  return out;
}

/** Joints by name; a name that begins with left or right says the side. Those that keep their name stay as they were. */
export function readJoints(text: string, before: readonly Joint[]): Joint[] {
  const out: Joint[] = [];
  for (const name of listed(text)) {
    if (out.some((joint) => joint.name === name)) continue;
    const side = /^(left|right)\b/i.exec(name.replaceAll("_", " "))?.[1]?.toLowerCase() ?? null;
    out.push(before.find((joint) => joint.name === name) ?? { name, side });
  }
  return out;
}

/** Connections "a-b" between known joints; anything else is left out. */
export function readEdges(text: string, joints: readonly Joint[]): [string, string][] {
  const names = joints.map((joint) => joint.name);
  const out: [string, string][] = [];
  for (const part of listed(text)) {
    for (let at = part.indexOf("-"); at > 0; at = part.indexOf("-", at + 1)) {
      const [from, to] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      if (names.includes(from) && names.includes(to) && from !== to) {
        out.push([from, to]);
        break;
      }
    }
  }
  return out;
}

function listed(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
