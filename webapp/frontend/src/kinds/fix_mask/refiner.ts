/** Asks the server's refiner for the mask that goes with the clicks so far. */

import { type MaskRuns, maskJson, readMask } from "../../canvas/shapes";
import type { JsonObject } from "../../feed/protocol";
import { fieldsOf } from "../../lib/parse";
import type { Click } from "./model";

const PATIENCE_MS = 8_000;

/** The request body, for those who write the other end: the mask is what stands now, or null. */
export function refinerBody(clicks: readonly Click[], mask: MaskRuns | null): JsonObject {
  return { clicks: clicks.map((c) => [...c]), mask: mask ? maskJson(mask) : null };
}

/** The mask of `{"shape": mask}`; raises when the refiner does not answer with one in time. */
export async function refine(url: string, clicks: readonly Click[], mask: MaskRuns | null): Promise<MaskRuns> {
  const token = document.getElementById("workbench")?.dataset.csrf ?? "";
  const response = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(refinerBody(clicks, mask)),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`the refiner answered ${response.status}`);
  return readMask(fieldsOf(await response.json(), "refiner").shape, "refiner.shape");
}
