import { type Brush, INK, outline } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { tag } from "../../canvas/tags";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { classOf } from "../task";
import { mergeCommands } from "./keys";
import { KEEPS, kept, type MergeState, type MergeTask, promptMerge } from "./model";

export function mountMerge(host: Host<MergeTask, MergeState>): KindView<MergeState> {
  const { task } = host;
  /** Index into KEEPS of what is shown as it would be afterwards; -1 shows both outlines. */
  let preview = -1;
  const stage = new Stage({
    label: promptMerge(task),
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint: (brush) => paint(brush, task, preview),
  });
  const next: Command = {
    id: "preview",
    label: t("merge_duplicates.preview"),
    keys: ["KeyV"],
    place: "tools",
    icon: "swap",
    pressed: () => preview >= 0,
    run() {
      preview = preview === KEEPS.length - 1 ? -1 : preview + 1;
      stage.request();
    },
  };
  return {
    element: stage.root,
    stages: [stage],
    commands: [...mergeCommands(host), next],
    render: () => stage.request(),
    destroy: () => stage.destroy(),
  };
}

/** A is drawn through, B is dashed; letters at opposite corners, so that they stay apart where the boxes are one. */
function paint(brush: Brush, task: MergeTask, preview: number): void {
  paintContext(brush, task.objects);
  const keep = KEEPS[preview];
  if (keep) {
    outline(brush, [kept(task, keep)], { color: INK.good, width: 2.5 });
    return;
  }
  const { a, b } = task;
  outline(brush, [a.box], { color: INK.target, width: 2 });
  outline(brush, [b.box], { color: INK.rival, width: 2, dash: [8, 5] });
  const differ = a.label !== b.label;
  const text = (letter: string, label: number): string =>
    differ ? `${letter} · ${classOf(task, label).name}` : letter;
  tag(brush, [a.box[0], a.box[1]], text("A", a.label), INK.target, "above");
  tag(brush, [b.box[2], b.box[3]], text("B", b.label), INK.rival, "below");
}
