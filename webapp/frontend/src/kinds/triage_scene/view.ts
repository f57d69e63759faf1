import { Stage } from "../../canvas/stage";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Host, KindView } from "../session";
import { decoded } from "../shared/looks";
import type { Task } from "../task";
import { triageCommands } from "./keys";
import { promptTriage, type TriageState } from "./model";

export function mountTriage(host: Host<Task, TriageState>): KindView<TriageState> {
  const { task } = host;
  const stage = new Stage({
    label: promptTriage(),
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint() {},
  });
  const commands = triageCommands(host);
  const faults = new CommandGroup("card", "stack");
  return {
    element: stage.root,
    side: el(
      "section",
      { class: "side-section", "data-open": true },
      el("h2", {}, t("triage_scene.unusable")),
      faults.element,
      el("p", { class: "note quiet at-end" }, t("triage_scene.rule")),
    ),
    stages: [stage],
    commands,
    render() {
      faults.show(commands.filter((c) => c.place === "side"));
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}
