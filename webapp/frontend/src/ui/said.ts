/** What the server says in codes, in the person's language: reasons, why a task came, and refusals. */

import type { Said } from "../feed/protocol";
import { sentence } from "../lib/dom";
import { isKey, language, t } from "../messages";

/** Pauses that are about the work of a project, not about a person. */
const OF_PROJECTS: readonly string[] = ["project_paused"];

/** A reason, as a sentence of its own. */
export function reasonText(said: Said): string {
  return sentence(told("said", said));
}

/** Why a task came to this person. */
export function whyText(said: Said): string {
  return sentence(told("why", said));
}

/** Why a message was refused. Of an answer that cannot be used, what is wrong with it is added as the server says it. */
export function refusalText(code: string, message: string): string {
  const key = `error.${code}`;
  return isKey(key) ? t(key, { detail: message }) : message || code;
}

/** Whether a pause is about this person, who may appeal. */
export function isPersonal(reasons: readonly Said[]): boolean {
  return reasons.length > 0 && !reasons.some((said) => OF_PROJECTS.includes(said.code));
}

function told(family: string, { code, about, message }: Said): string {
  const key = `${family}.${code}`;
  return isKey(key) ? t(key, named(about)) : message;
}

/** Names of tiers and languages in the language of the page. */
function named(about: Said["about"]): Said["about"] {
  return Object.fromEntries(Object.entries(about).map(([name, value]) => [name, nameOf(name, value)]));
}

function nameOf(name: string, value: string | number): string | number {
  const tier = `tier.${value}`;
  if ((name === "needed" || name === "yours") && isKey(tier)) return t(tier);
  if (name !== "language" || typeof value !== "string") return value;
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(value) ?? value;
  } catch {
    return value; // no tag of a language
  }
}
