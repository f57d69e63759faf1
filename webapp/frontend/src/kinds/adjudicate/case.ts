/** The case file that an adjudicator sees after the blind answer. What is missing or unknown is left out. */

import type { Box } from "../../canvas/geometry";
import { boxAt, type Fields, fieldsOf, listOf, numberOf, optional, textOf } from "../../lib/parse";

export interface CaseVersion {
  readonly number: number;
  readonly box: Box;
  readonly label: number;
  readonly by: string;
}

export interface CaseAnswer {
  readonly by: string;
  readonly kind: string;
  readonly verdict: string;
  readonly version: number | null;
}

export interface CaseFile {
  readonly versions: readonly CaseVersion[];
  readonly answers: readonly CaseAnswer[];
  /** The model's belief that it is right, 0 to 1. */
  readonly modelScore: number | null;
  readonly guideline: string;
  readonly reason: string;
}

export function readCase(f: Fields): CaseFile {
  const model = optional(f.model, "case.model", fieldsOf, {} as Fields);
  return {
    versions: optional(f.versions, "case.versions", (v, w) => listOf(v, w, readVersion), []),
    answers: optional(f.answers, "case.answers", (v, w) => listOf(v, w, readAnswer), []),
    modelScore: typeof model.score === "number" ? model.score : null,
    guideline: typeof f.guideline === "string" ? f.guideline : "",
    reason: typeof f.reason === "string" ? f.reason : "",
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
    version: typeof f.version === "number" ? f.version : null,
  };
}
