/** The panes of a cloud drawn by three.js. A chunk of its own: only who edits clouds loads it. */

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  OrthographicCamera,
  Points,
  PointsMaterial,
  Scene,
  WebGLRenderer,
} from "three";
import { plus, times } from "./camera_vectors";
import type { Cloud } from "./cloud";
import { type CloudPainter, type CloudPane, PANE_GROUND } from "./cloud_painter";
import type { CloudView } from "./cloud_views";

const POINT_PX = 2;

/** Raises an error where the browser has no WebGL. */
export function threePainter(cloud: Cloud): CloudPainter {
  const canvas = document.createElement("canvas");
  const renderer = new WebGLRenderer({ canvas, antialias: false, alpha: false, powerPreference: "low-power" });
  const ratio = globalThis.devicePixelRatio || 1;
  renderer.setPixelRatio(ratio);
  renderer.setClearColor(new Color(...PANE_GROUND.map((v) => v / 255)));
  // Colours come as they are to be seen: no conversion on the way to the screen.
  renderer.outputColorSpace = "srgb-linear";
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positionsOf(cloud), 3));
  const colors = new BufferAttribute(new Float32Array(cloud.count * 3).fill(0.7), 3);
  geometry.setAttribute("color", colors);
  const material = new PointsMaterial({ size: POINT_PX * ratio, sizeAttenuation: false, vertexColors: true });
  const scene = new Scene();
  const points = new Points(geometry, material);
  points.frustumCulled = false;
  scene.add(points);

  return {
    canvas,
    color(next) {
      colors.array.set(next);
      colors.needsUpdate = true;
    },
    paint(size, panes) {
      renderer.setSize(size.w, size.h, false);
      renderer.setScissorTest(false);
      renderer.clear();
      renderer.setScissorTest(true);
      for (const pane of panes) drawPane(renderer, scene, size.h, pane);
    },
    destroy() {
      geometry.dispose();
      material.dispose();
      renderer.dispose();
    },
  };
}

function drawPane(renderer: WebGLRenderer, scene: Scene, height: number, { view, rect }: CloudPane): void {
  // WebGL counts from the bottom.
  const bottom = height - rect.y - rect.h;
  renderer.setViewport(rect.x, bottom, rect.w, rect.h);
  renderer.setScissor(rect.x, bottom, rect.w, rect.h);
  renderer.render(scene, cameraOf(view, rect.w, rect.h));
}

function cameraOf(view: CloudView, w: number, h: number): OrthographicCamera {
  const [x, y] = [w / view.pxPerM / 2, h / view.pxPerM / 2];
  const camera = new OrthographicCamera(-x, x, y, -y, 0, 2 * view.depth);
  const eye = plus(view.at, times(view.toward, -view.depth));
  camera.position.set(...eye);
  camera.up.set(...view.up);
  camera.lookAt(...view.at);
  return camera;
}

function positionsOf({ xyzi, count }: Cloud): Float32Array {
  const out = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) out.set(xyzi.subarray(i * 4, i * 4 + 3), i * 3);
  return out;
}
