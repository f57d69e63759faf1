/** Readers for what comes from outside. Each names the field in its error. */

import type { Box, Point, Rect } from "../canvas/geometry";

export class ParseError extends Error {
  override name = "ParseError";
}

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object");
  return value as Fields;
}

export function listOf<T>(value: unknown, where: string, read: (entry: unknown, where: string) => T): T[] {
  if (!Array.isArray(value)) throw wrong(where, "a list");
  return value.map((entry, index) => read(entry, `${where}[${index}]`));
}

export function numberOf(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(where, "a finite number");
  return value;
}

export function textOf(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrong(where, "a text");
  return value;
}

export function oneOf<T extends string>(value: unknown, where: string, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) throw wrong(where, `one of ${allowed.join(", ")}`);
  return value as T;
}

export function optional<T>(value: unknown, where: string, read: (v: unknown, where: string) => T, otherwise: T): T {
  return value === undefined || value === null ? otherwise : read(value, where);
}

export function boxAt(value: unknown, where: string): Box {
  const [x1, y1, x2, y2] = numbers(value, where, 4);
  if (!(x2 > x1 && y2 > y1)) throw wrong(where, "a box x1 y1 x2 y2 with an area");
  return [x1, y1, x2, y2];
}

export function rectAt(value: unknown, where: string): Rect {
  const [x, y, w, h] = numbers(value, where, 4);
  if (!(w > 0 && h > 0)) throw wrong(where, "a rectangle x y w h with an area");
  return [x, y, w, h];
}

export function pointAt(value: unknown, where: string): Point {
  const [x, y] = numbers(value, where, 2);
  return [x, y];
}

function numbers(value: unknown, where: string, count: number): [number, number, number, number] {
  const out = listOf(value, where, numberOf);
  if (out.length !== count) throw wrong(where, `${count} numbers`);
  return out as [number, number, number, number];
}

function wrong(where: string, wanted: string): ParseError {
  return new ParseError(`${where}: expected ${wanted}`);
}
