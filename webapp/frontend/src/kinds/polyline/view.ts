import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { PathDesk, type PathTask } from "../shared/path_desk";
import { PathPanel } from "../shared/path_panel";
import type { PathState } from "../shared/pathwork";
import { lineCommands } from "./keys";
import { lineRules, promptLine } from "./model";

export function mountLine(host: Host<PathTask, PathState>): KindView<PathState> {
  const rules = lineRules(host.task);
  const desk = new PathDesk(host, rules, promptLine(host.task));
  const commands = lineCommands(desk);
  const panel = new PathPanel(rules, t("polyline.line"), commands);
  return {
    element: desk.stage.root,
    side: panel.element,
    stages: [desk.stage],
    get commands() {
      return host.state.open === null ? commands.editing : commands.drawing;
    },
    render(state) {
      desk.render(state);
      panel.render(state);
    },
    destroy: () => desk.destroy(),
  };
}
