import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { PathDesk, type PathTask } from "../shared/path_desk";
import { PathPanel } from "../shared/path_panel";
import type { PathState } from "../shared/pathwork";
import { polygonCommands } from "./keys";
import { polygonRules, promptFixPolygon } from "./model";

export function mountFixPolygon(host: Host<PathTask, PathState>): KindView<PathState> {
  const rules = polygonRules(host.task);
  const desk = new PathDesk(host, rules, promptFixPolygon(host.task));
  const commands = polygonCommands(desk);
  const panel = new PathPanel(rules, t("path.outline"), commands);
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
