import { INK, outline } from "../../canvas/painter";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { BoxDesk } from "../shared/box_desk";
import { chooseEdge, moveEdge, sameBox } from "../shared/boxwork";
import { ClassPicker } from "../shared/class_picker";
import { EdgePanel } from "../shared/edge_panel";
import { fixCommands } from "./keys";
import type { FixState, FixTask } from "./model";

export function mountFix(host: Host<FixTask, FixState>): KindView<FixState> {
  const { task } = host;
  const desk = new BoxDesk<FixTask, FixState>(host, {
    label: t("fix_box.prompt", { class: "" }),
    context: task.objects,
    bad: task.bad,
    editable: () => true,
    // Where the box was: so that one sees what one did.
    paint(brush, state) {
      if (!sameBox(state.box, task.object.box)) {
        outline(brush, [task.object.box], { color: INK.context, width: 1, dash: [3, 4], alpha: 0.8 });
      }
    },
  });
  const edges = new EdgePanel(task.bad, {
    choose: (edge) => host.amend(chooseEdge(host.state, edge)),
    move: (edge, by) => host.commit(moveEdge(host.state, edge, by, task.bounds)),
  });
  const picker = new ClassPicker(
    task.classes,
    () => host.state.label,
    (label) => host.commit({ ...host.state, label }),
  );
  const how = el("p", { class: "note" });
  const help = el("section", { class: "side-section" }, how);
  return {
    element: desk.stage.root,
    side: el("div", { class: "side-stack", "data-essential": true }, edges.element, picker.element, help),
    stages: [desk.stage],
    commands: [...fixCommands(host), ...desk.commands, ...picker.commands],
    render(state) {
      desk.render(state);
      edges.render(state, state.box, state.redraw === null);
      picker.render();
      setText(how, t(state.redraw ? "fix_box.how_redraw" : "fix_box.how"));
    },
    destroy: () => desk.destroy(),
  };
}
