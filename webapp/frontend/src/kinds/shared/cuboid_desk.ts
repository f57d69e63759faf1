/** One editable cuboid over its views: the commands, what clicks mean, and what is seen in the middle of a drag. */

import { ARROW_CHORDS, arrowOf } from "../../canvas/arrows";
import { eyeOf } from "../../canvas/camera";
import { bottomOf, type Side, type Solid } from "../../canvas/camera_cuboid";
import type { Vec3 } from "../../canvas/camera_vectors";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import type { Task } from "../task";
import { BirdsEye } from "./birds_eye";
import type { Rig } from "./calibration";
import { CuboidPanel } from "./cuboid_panel";
import {
  CUBOID_TOOLS,
  type CuboidTool,
  type CuboidWork,
  deeper,
  nudged,
  pointed,
  pointedFromAbove,
  sameSolid,
  sized,
  turnedBy,
  withDims,
  withSolid,
} from "./cuboidwork";
import { sendCommand } from "./tools";

export interface CuboidDeskOptions {
  readonly rig: Rig;
  /** Where the work begins; `reset` goes back there. */
  readonly start: Solid;
  readonly usual: Vec3;
  /** Views to draw anew: called with the cuboid as it stands in the middle of a gesture, too. */
  draw(solid: Solid): void;
}

const TOOL_KEYS: Readonly<Record<CuboidTool, string>> = { place: "KeyP", heading: "KeyW", top: "KeyT" };
const SIDE_NAMES = ["length", "width", "height"] as const;

export class CuboidDesk<T extends Task, W extends CuboidWork> {
  readonly commands: readonly Command[];
  readonly side: HTMLElement;
  private readonly map: BirdsEye;
  private readonly panel: CuboidPanel;
  private readonly toolCards = new CommandGroup("card", "stack");
  private live: Solid | null = null;

  constructor(
    private readonly host: Host<T, W>,
    private readonly options: CuboidDeskOptions,
  ) {
    const { camera } = options.rig;
    this.map = new BirdsEye(camera, {
      place: (at, final) => this.pointAbove(at, final),
      turn: (yaw, final) => this.change({ ...this.solid, yaw }, final),
    });
    this.panel = new CuboidPanel(camera, (side, steps) => this.size(side, steps));
    this.side = el(
      "div",
      { class: "side-stack cuboid-side", "data-essential": true },
      el("section", { class: "side-section" }, el("h2", {}, t("cuboid.click_means")), this.toolCards.element),
      el("section", { class: "side-section" }, el("h2", {}, t("cuboid.from_above")), this.map.element),
      this.panel.element,
      el("p", { class: "side-section note quiet at-end" }, t("cuboid.keys")),
    );
    this.commands = [...this.answering(), ...this.tools(), ...this.steps()];
  }

  /** The cuboid as it stands now, in the middle of a gesture too. */
  get solid(): Solid {
    return this.live ?? this.host.state.solid;
  }

  render(state: W): void {
    this.live = null;
    this.toolCards.show(this.commands.filter((c) => c.place === "side"));
    this.show(state.solid);
  }

  /** A click or drag in the camera's picture. */
  point(pixel: readonly [number, number], final: boolean): void {
    const { host, options } = this;
    if (!host.armed()) return;
    const next = pointed(options.rig, host.state, pixel);
    if (next) this.take(next, final);
    else if (final) {
      host.say(t(host.state.tool === "top" ? "cuboid.no_height" : "cuboid.no_ground"));
      this.render(host.state);
    }
  }

  /** A click or drag on the ground seen from above. */
  pointAbove(at: readonly [number, number], final: boolean): void {
    const { host } = this;
    if (host.armed()) this.take(pointedFromAbove(this.options.rig, host.state, at), final);
  }

  /** `final` is a step that undo takes back; what is not final is only seen. */
  change(solid: Solid, final: boolean): void {
    if (!final) {
      this.live = solid;
      this.show(solid);
      return;
    }
    this.live = null;
    if (sameSolid(solid, this.host.state.solid)) this.show(this.host.state.solid);
    else this.host.commit(withSolid(this.host.state, solid));
  }

  private take(next: W, final: boolean): void {
    if (next.solid !== this.host.state.solid) this.change(next.solid, final);
    else if (final) this.host.amend(next);
  }

  private show(solid: Solid): void {
    this.map.render(solid, this.host.state.back);
    this.panel.render(solid);
    this.options.draw(solid);
  }

  private size(side: Side, steps: number): void {
    this.change(sized(eyeOf(this.options.rig.camera), this.host.state.solid, side, steps), true);
  }

  private answering(): Command[] {
    const { host, options } = this;
    return [
      sendCommand(() => {
        host.submit();
        // The first attempt only warns; the second one means it.
        if (sameSolid(host.state.solid, options.start)) host.amend({ ...host.state, warned: true });
      }),
      {
        id: "delete",
        label: t("cuboid.deleted"),
        keys: ["Delete", "KeyX"],
        place: "main",
        tone: "bad",
        icon: "trash",
        guarded: true,
        run: () => host.submit({ ...host.state, deleted: true }),
      },
    ];
  }

  private tools(): Command[] {
    const { host, options } = this;
    const eye = eyeOf(options.rig.camera);
    const edit = (make: (s: Solid) => Solid) => (): void => this.change(make(host.state.solid), true);
    const tool = (name: CuboidTool): Command => ({
      id: `tool-${name}`,
      label: t(`cuboid.tool_${name}`),
      hint: t(`cuboid.tool_${name}_hint`),
      keys: [TOOL_KEYS[name]],
      place: "side",
      icon: `cuboid_${name}`,
      pressed: () => host.state.tool === name,
      run: () => host.amend({ ...host.state, tool: name, back: null }),
    });
    return [
      ...CUBOID_TOOLS.map(tool),
      {
        id: "flip",
        label: t("cuboid.flip"),
        keys: ["KeyV"],
        place: "tools",
        icon: "flip",
        run: edit((s) => turnedBy(s, 180)),
      },
      {
        id: "usual",
        label: t("cuboid.usual"),
        keys: ["KeyD"],
        place: "tools",
        icon: "ruler",
        run: edit((s) => withDims(eye, s, options.usual)),
      },
      {
        id: "stand",
        label: t("cuboid.stand"),
        keys: ["KeyS"],
        place: "tools",
        icon: "stand",
        run: edit((s) => ({
          ...s,
          center: [s.center[0], s.center[1], s.center[2] + options.rig.floor(s) - bottomOf(s)],
        })),
      },
      {
        id: "back",
        label: t("action.back"),
        keys: ["Escape"],
        place: "none",
        enabled: () => host.state.back !== null,
        run: () => host.amend({ ...host.state, back: null }),
      },
      {
        id: "reset",
        label: t("fix_box.reset"),
        keys: ["KeyA"],
        place: "tools",
        icon: "clear",
        enabled: () => !sameSolid(host.state.solid, options.start),
        run: edit(() => options.start),
      },
    ];
  }

  private steps(): Command[] {
    const { host, options } = this;
    const eye = eyeOf(options.rig.camera);
    const stepped = (
      id: string,
      label: string,
      keys: [string, string],
      make: (s: Solid, by: number) => Solid,
    ): Command => ({
      id,
      label,
      keys: [...keys, ...keys.map((key) => `Shift+${key}`)],
      place: "none",
      repeats: true,
      run: (chord) => {
        const by = (chord?.startsWith("Shift+") ? 5 : 1) * (chord?.endsWith(keys[0]) ? 1 : -1);
        this.change(make(host.state.solid, by), true);
      },
    });
    return [
      {
        id: "nudge",
        label: t("cuboid.nudge"),
        keys: ARROW_CHORDS,
        place: "none",
        repeats: true,
        run: (chord) => {
          const arrow = arrowOf(chord);
          if (arrow) this.change(nudged(options.rig, host.state.solid, arrow), true);
        },
      },
      stepped("turn", t("cuboid.turn"), ["KeyQ", "KeyE"], turnedBy),
      stepped("depth", t("cuboid.depth"), ["BracketRight", "BracketLeft"], (s, by) => deeper(options.rig, s, by)),
      ...SIDE_NAMES.map((name, side) => ({
        id: `size-${name}`,
        label: t("cuboid.resize", { side: t(`cuboid.${name}`) }),
        keys: [`Digit${side + 1}`, `Shift+Digit${side + 1}`],
        place: "none" as const,
        repeats: true,
        run: (chord: string | null) =>
          this.change(sized(eye, host.state.solid, side as Side, chord?.startsWith("Shift+") ? -1 : 1), true),
      })),
    ];
  }
}
