import { movedBy, type Solid } from "../../canvas/camera_cuboid";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import type { CuboidWork } from "../shared/cuboidwork";
import type { LidarTask } from "./model";

export interface LidarHands {
  change(solid: Solid): void;
  /** Fit the cuboid to the points where it stands. */
  snap(): void;
  zoom(by: 1 | -1 | 0): void;
  ready(): boolean;
}

const LIFT_M = 0.05;

export function lidarCommands(host: Host<LidarTask, CuboidWork>, hands: LidarHands): Command[] {
  return [
    {
      id: "snap",
      label: t("cuboid_lidar.snap"),
      hint: t("cuboid_lidar.snap_hint"),
      keys: ["KeyC"],
      place: "main",
      icon: "snap",
      enabled: () => hands.ready(),
      run: () => hands.snap(),
    },
    {
      id: "lift",
      label: t("cuboid_lidar.lift"),
      keys: ["PageUp", "PageDown", "Shift+PageUp", "Shift+PageDown"],
      place: "none",
      repeats: true,
      run(chord) {
        const by = (chord?.startsWith("Shift+") ? 5 : 1) * (chord?.endsWith("PageDown") ? -1 : 1) * LIFT_M;
        hands.change(movedBy(host.state.solid, [0, 0, by]));
      },
    },
    {
      id: "zoom-in",
      label: t("action.zoom_in"),
      keys: ["Equal", "Shift+Equal", "NumpadAdd"],
      place: "tools",
      icon: "zoom_in",
      repeats: true,
      run: () => hands.zoom(1),
    },
    {
      id: "zoom-out",
      label: t("action.zoom_out"),
      keys: ["Minus", "NumpadSubtract"],
      place: "tools",
      icon: "zoom_out",
      repeats: true,
      run: () => hands.zoom(-1),
    },
    {
      id: "fit",
      label: t("action.fit"),
      keys: ["KeyF"],
      place: "tools",
      icon: "fit",
      run: () => hands.zoom(0),
    },
  ];
}
