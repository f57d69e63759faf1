/** Every kind that this workbench can show. A new one is a folder beside these and a line here. */

import { adjudicate } from "./adjudicate";
import { attributes } from "./attributes";
import { classifyImage } from "./classify_image";
import { compareTwo } from "./compare_two";
import { coverageTile } from "./coverage_tile";
import { cuboidCam } from "./cuboid_cam";
import { cuboidLidar } from "./cuboid_lidar";
import { drawMissed } from "./draw_missed";
import { fixBox } from "./fix_box";
import { fixMask } from "./fix_mask";
import { fixPolygon } from "./fix_polygon";
import { gridVerify } from "./grid_verify";
import { keypoints } from "./keypoints";
import { labelRegion } from "./label_region";
import { mergeDuplicates } from "./merge_duplicates";
import { nameUnknown } from "./name_unknown";
import { pointYesno } from "./point_yesno";
import { polyline } from "./polyline";
import type { Kind } from "./session";
import { triageScene } from "./triage_scene";
import { verifyBox } from "./verify_box";
import { verifyCuboid } from "./verify_cuboid";
import { verifyMask } from "./verify_mask";

const all: readonly Kind[] = [
  verifyBox,
  gridVerify,
  fixBox,
  drawMissed,
  coverageTile,
  compareTwo,
  adjudicate,
  attributes,
  classifyImage,
  triageScene,
  mergeDuplicates,
  fixPolygon,
  fixMask,
  keypoints,
  polyline,
  verifyMask,
  pointYesno,
  labelRegion,
  cuboidCam,
  verifyCuboid,
  nameUnknown,
  cuboidLidar,
];

export const kinds: ReadonlyMap<string, Kind> = new Map(all.map((kind) => [kind.name, kind]));
