import type { PathRules } from "../../canvas/path_work";
import type { Host, KindView } from "../session";
import { PathDesk, type PathTask } from "./path_desk";
import { pathCommands } from "./path_keys";
import { PathPanel } from "./path_panel";
import type { PathState } from "./pathwork";

/** The screen of an outline or a line: what is drawn by vertices. */
export function mountPath(
  host: Host<PathTask, PathState>,
  rules: PathRules,
  prompt: string,
  title: string,
): KindView<PathState> {
  const desk = new PathDesk(host, rules, prompt);
  const commands = pathCommands(desk);
  const panel = new PathPanel(rules, title, commands);
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
