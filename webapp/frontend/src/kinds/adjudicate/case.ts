/** The case file that an adjudicator sees after the blind answer. What is missing or unknown is left out. */

import type { Box, Rect } from "../../canvas/geometry";
import { boxAt, type Fields, fieldsOf, listOf, numberOf, oneOf, optional, rectAt, textOf } from "../../lib/parse";

export interface CaseVersion {
  readonly number: number;
  readonly box: Box;
  readonly label: number;
  readonly by: string;
}

export const BANDS = ["new", "above", "usual", "below"] as const;

export interface CaseAnswer {
  readonly by: string;
  /** How that person judges beside others; null where the server does not say. */
  readonly band: (typeof BANDS)[number] | null;
  readonly kind: string;
  readonly verdict: string;
  readonly version: number | null;
}

export const OUTCOMES = ["kept", "redrawn", "reclassified", "rejected", "undecidable"] as const;

/** An earlier ruling on a case like this one. */
export interface Precedent {
  readonly id: string;
  readonly ruling: (typeof OUTCOMES)[number];
  readonly mine: boolean;
  readonly view: Rect;
  readonly proposed: Box;
  readonly ruled: Box | null;
  readonly rubric: readonly string[];
  readonly note: string;
}

export interface CaseFile {
  readonly versions: readonly CaseVersion[];
  readonly answers: readonly CaseAnswer[];
  /** The model's belief that it is right, 0 to 1. */
  readonly modelScore: number | null;
  readonly guideline: string;
  readonly reason: string;
  readonly precedents: readonly Precedent[];
}

export function readCase(f: Fields): CaseFile {
  const model = optional(f.model, "case.model", fieldsOf, {} as Fields);
  return {
    versions: optional(f.versions, "case.versions", (v, w) => listOf(v, w, readVersion), []),
    answers: optional(f.answers, "case.answers", (v, w) => listOf(v, w, readAnswer), []),
    modelScore: typeof model.score === "number" ? model.score : null,
    guideline: typeof f.guideline === "string" ? f.guideline : "",
    reason: typeof f.reason === "string" ? f.reason : "",
    precedents: optional(f.precedents, "case.precedents", (v, w) => listOf(v, w, readPrecedent), []),
  };
}

function readVersion(value: unknown, where: string): CaseVersion {
  const f = fieldsOf(value, where);
  return {
    number: numberOf(f.number ?? f.version, `${where}.number`),
    box: boxAt(f.xyxy, `${where}.xyxy`),
    label: numberOf(f.class, `${where}.class`),
    by: optional(f.by, `${where}.by`, textOf, ""),
  };
}

function readAnswer(value: unknown, where: string): CaseAnswer {
  const f = fieldsOf(value, where);
  return {
    by: optional(f.by, `${where}.by`, textOf, ""),
    kind: optional(f.kind, `${where}.kind`, textOf, ""),
    verdict: optional(f.verdict, `${where}.verdict`, textOf, ""),
    band: BANDS.find((band) => band === f.band) ?? null,
    version: typeof f.version === "number" ? f.version : null,
  };
}

function readPrecedent(value: unknown, where: string): Precedent {
  const f = fieldsOf(value, where);
  return {
    id: textOf(f.id, `${where}.id`),
    ruling: oneOf(f.ruling, `${where}.ruling`, OUTCOMES),
    mine: f.mine === true,
    view: rectAt(f.view, `${where}.view`),
    proposed: boxAt(f.proposed, `${where}.proposed`),
    ruled: f.ruled === null ? null : boxAt(f.ruled, `${where}.ruled`),
    rubric: optional(f.rubric, `${where}.rubric`, (v, w) => listOf(v, w, textOf), []),
    note: optional(f.note, `${where}.note`, textOf, ""),
  };
}
