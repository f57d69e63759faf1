/** Every kind that this workbench can show. A new one is a folder beside these and a line here. */

import { adjudicate } from "./adjudicate";
import { attributes } from "./attributes";
import { classifyImage } from "./classify_image";
import { compareTwo } from "./compare_two";
import { coverageTile } from "./coverage_tile";
import { cuboidCam } from "./cuboid_cam";
import { drawMissed } from "./draw_missed";
import { fixBox } from "./fix_box";
import { fixPolygon } from "./fix_polygon";
import { gridVerify } from "./grid_verify";
import { keypoints } from "./keypoints";
import { mergeDuplicates } from "./merge_duplicates";
import { polyline } from "./polyline";
import { nameUnknown } from "./name_unknown";
import type { Kind } from "./session";
import { triageScene } from "./triage_scene";
import { verifyBox } from "./verify_box";
import { verifyCuboid } from "./verify_cuboid";

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
  keypoints,
  polyline,
  cuboidCam,
  verifyCuboid,
  nameUnknown,
];

export const kinds: ReadonlyMap<string, Kind> = new Map(all.map((kind) => [kind.name, kind]));
