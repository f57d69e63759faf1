/** As much of three.js as cloud_three.ts uses; the package itself comes without types. */
declare module "three" {
  export class Color {
    constructor(r?: number, g?: number, b?: number);
  }
  export class BufferAttribute {
    constructor(array: Float32Array, itemSize: number);
    readonly array: Float32Array;
    needsUpdate: boolean;
  }
  export class BufferGeometry {
    setAttribute(name: string, attribute: BufferAttribute): this;
    dispose(): void;
  }
  interface Vector3 {
    set(x: number, y: number, z: number): this;
  }
  export class OrthographicCamera {
    constructor(left: number, right: number, top: number, bottom: number, near: number, far: number);
    readonly position: Vector3;
    readonly up: Vector3;
    lookAt(x: number, y: number, z: number): void;
  }
  export class PointsMaterial {
    constructor(parameters: { size: number; sizeAttenuation: boolean; vertexColors: boolean });
    dispose(): void;
  }
  export class Points {
    constructor(geometry: BufferGeometry, material: PointsMaterial);
    frustumCulled: boolean;
  }
  export class Scene {
    add(object: Points): this;
  }
  export class WebGLRenderer {
    constructor(parameters: {
      canvas: HTMLCanvasElement;
      antialias: boolean;
      alpha: boolean;
      powerPreference: "low-power";
    });
    outputColorSpace: "srgb" | "srgb-linear";
    setPixelRatio(ratio: number): void;
    setClearColor(color: Color): void;
    setSize(width: number, height: number, updateStyle: boolean): void;
    setScissorTest(on: boolean): void;
    setViewport(x: number, y: number, width: number, height: number): void;
    setScissor(x: number, y: number, width: number, height: number): void;
    clear(): void;
    render(scene: Scene, camera: OrthographicCamera): void;
    dispose(): void;
  }
}
