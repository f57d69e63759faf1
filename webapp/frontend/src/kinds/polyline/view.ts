import { t } from "../../messages";
import type { Host, KindView } from "../session";
import type { PathTask } from "../shared/path_desk";
import { mountPath } from "../shared/path_view";
import type { PathState } from "../shared/pathwork";
import { lineRules, promptLine } from "./model";

export function mountLine(host: Host<PathTask, PathState>): KindView<PathState> {
  return mountPath(host, lineRules(host.task), promptLine(host.task), t("polyline.line"));
}
