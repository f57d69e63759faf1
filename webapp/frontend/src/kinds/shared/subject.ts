/** The picture of a question that is not about an outline: one object, thinly framed, or the whole scene. */

import { INK, outline } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { listOf, numberOf, optional, ParseError } from "../../lib/parse";
import type { Host } from "../session";
import { type ContextObject, type LabelClass, type ObjectVersion, readObject, type Task } from "../task";
import { decoded, paintContext } from "./looks";

export interface Subject {
  /** Null when the question is about the whole scene. */
  readonly object: ObjectVersion | null;
  readonly objects: readonly ContextObject[];
}

export function readSubject(value: unknown, where: string): ObjectVersion | null {
  return optional<ObjectVersion | null>(value, where, readObject, null);
}

/** The classes of the schema with these ids; raises ParseError when one is not there. */
export function readChoices(value: unknown, where: string, common: Task): LabelClass[] {
  const ids = listOf(value, where, numberOf);
  const choices = common.classes.filter((c) => ids.includes(c.id));
  if (choices.length === 0 || choices.length !== new Set(ids).size)
    throw new ParseError(`${where}: expected ids of the schema`);
  return choices;
}

export function subjectStage<S>(host: Host<Task & Subject, S>, label: string): Stage {
  const { task } = host;
  return new Stage({
    label,
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      if (!task.object) return;
      paintContext(brush, task.objects);
      outline(brush, [task.object.box], { color: INK.target, width: 2 });
    },
  });
}
