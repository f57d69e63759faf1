/** How the same things look in every kind. */

import type { Box } from "../../canvas/geometry";
import { type Brush, dot, INK, outline, type Picture } from "../../canvas/painter";
import type { PictureSet } from "../../feed/pictures";
import { type ContextObject, classOf, type Media, type Task } from "../task";

/** Those of a task's pictures that are decoded. */
export function decoded(media: readonly Media[], pictures: PictureSet): Picture[] {
  return media.flatMap((m) => {
    const image = pictures.get(m.url);
    return image ? [{ rect: m.rect, image }] : [];
  });
}

/** Objects that are there already: thin outlines that do not compete with what is asked about. */
export function paintContext(brush: Brush, objects: readonly ContextObject[]): void {
  outline(
    brush,
    objects.map((o) => o.box),
    { color: INK.context, width: 1, alpha: 0.6 },
  );
}

/** Live objects where they matter: thin, in their class's colour, with a dot that marks them as known. */
export function paintKnown(brush: Brush, task: Task, objects: readonly ContextObject[]): void {
  for (const [label, group] of byLabel(objects)) {
    const { color } = classOf(task, label);
    outline(
      brush,
      group.map((o) => o.box),
      { color, width: 1.25, alpha: 0.95 },
    );
    for (const o of group) dot(brush, middle(o.box), 2.5, color);
  }
}

function byLabel(objects: readonly ContextObject[]): Map<number, ContextObject[]> {
  const groups = new Map<number, ContextObject[]>();
  for (const o of objects) groups.set(o.label, [...(groups.get(o.label) ?? []), o]);
  return groups;
}

function middle(box: Box): [number, number] {
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}
