/** Point clouds fetched ahead of their task, and what draws them, so that the first paint waits for nothing. */

import { type Cloud, readCloud } from "../../canvas/cloud";
import { type CloudPainter, PlainCloudPainter } from "../../canvas/cloud_painter";

export interface CloudPlace {
  readonly url: string;
  readonly count: number;
}

/** As many as a person has tasks at hand: each is some megabytes. */
const MOST_KEPT = 3;

const kept = new Map<string, Promise<Cloud>>();

/** The cloud of an address, fetched once; a failure is forgotten, so that the next call tries again. */
export function cloudAt(place: CloudPlace): Promise<Cloud> {
  const known = kept.get(place.url);
  if (known) return known;
  const coming = fetched(place);
  kept.set(place.url, coming);
  coming.catch(() => kept.delete(place.url));
  for (const url of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(url);
  return coming;
}

/** Begin to fetch a cloud and the code that draws it, without waiting for either. */
export function fetchAhead(place: CloudPlace): void {
  cloudAt(place).catch(() => {});
  import("../../canvas/cloud_three").catch(() => {});
}

/** three.js where the browser can, a plain canvas where it has no WebGL or the chunk cannot be had. */
export async function painterOf(cloud: Cloud): Promise<CloudPainter> {
  try {
    const { threePainter } = await import("../../canvas/cloud_three");
    return threePainter(cloud);
  } catch {
    return new PlainCloudPainter(cloud);
  }
}

async function fetched({ url, count }: CloudPlace): Promise<Cloud> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`the cloud was refused: ${response.status}`);
  return readCloud(await response.arrayBuffer(), count);
}
