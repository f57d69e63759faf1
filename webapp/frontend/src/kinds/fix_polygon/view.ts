import { t } from "../../messages";
import type { Host, KindView } from "../session";
import type { PathTask } from "../shared/path_desk";
import { mountPath } from "../shared/path_view";
import type { PathState } from "../shared/pathwork";
import { polygonRules, promptFixPolygon } from "./model";

export function mountFixPolygon(host: Host<PathTask, PathState>): KindView<PathState> {
  return mountPath(host, polygonRules(host.task), promptFixPolygon(host.task), t("path.outline"));
}
