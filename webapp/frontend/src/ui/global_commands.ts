/** What can be done in every task. A kind that uses one of these keys for itself takes it. */

import type { Stage } from "../canvas/stage";
import { t } from "../messages";
import type { Command } from "./commands";
import { keymap } from "./keymap";

export interface Actions {
  stages(): readonly Stage[];
  holding(): boolean;
  unsure(): void;
  skip(): void;
  report(): void;
  help(): void;
  guideline(): void;
  guidelineShown(): boolean;
  display(): void;
  displayShown(): boolean;
  why(): void;
  undo(): void;
  redo(): void;
  canUndo(): boolean;
  canRedo(): boolean;
}

export function globalCommands(actions: Actions): Command[] {
  return [...alwaysCommands(actions), ...viewCommands(actions), ...headerCommands(actions)];
}

function alwaysCommands(actions: Actions): Command[] {
  const held = (): boolean => actions.holding();
  return [
    {
      id: "unsure",
      label: t("action.unsure"),
      hint: t("action.unsure_hint"),
      keys: ["KeyU"],
      place: "always",
      icon: "unsure",
      guarded: true,
      enabled: held,
      run: () => actions.unsure(),
    },
    {
      id: "skip",
      label: t("action.skip"),
      hint: t("action.skip_hint"),
      keys: ["KeyK"],
      place: "always",
      icon: "skip",
      guarded: true,
      enabled: held,
      run: () => actions.skip(),
    },
    {
      id: "report",
      label: t("action.report"),
      hint: t("action.report_hint"),
      keys: ["KeyR"],
      place: "always",
      icon: "report",
      enabled: held,
      run: () => actions.report(),
    },
  ];
}

function viewCommands(actions: Actions): Command[] {
  const each = (act: (stage: Stage) => void): void => {
    for (const stage of actions.stages()) act(stage);
  };
  // Twins move together, so zooming the first is enough.
  const first = (act: (stage: Stage) => void): void => actions.stages().slice(0, 1).forEach(act);
  let hidden = false;
  let loupe = false;
  const hide = (on: boolean): void => {
    hidden = on;
    each((stage) => {
      stage.hidden = on;
    });
  };
  const magnify = (on: boolean): void => {
    loupe = on;
    each((stage) => {
      stage.loupe = on;
    });
  };
  return [
    {
      id: "undo",
      label: t("action.undo"),
      keys: ["Ctrl+KeyZ"],
      place: "tools",
      icon: "undo",
      repeats: true,
      enabled: () => actions.canUndo(),
      whyNot: t("toast.nothing_to_undo"),
      run: () => actions.undo(),
    },
    {
      id: "redo",
      label: t("action.redo"),
      keys: ["Ctrl+Shift+KeyZ", "Ctrl+KeyY"],
      place: "tools",
      icon: "redo",
      repeats: true,
      enabled: () => actions.canRedo(),
      run: () => actions.redo(),
    },
    {
      id: "zoom-in",
      label: t("action.zoom_in"),
      keys: ["Equal", "Shift+Equal", "NumpadAdd"],
      place: "tools",
      icon: "zoom_in",
      repeats: true,
      run: () => first((s) => s.zoomIn()),
    },
    {
      id: "zoom-out",
      label: t("action.zoom_out"),
      keys: ["Minus", "NumpadSubtract"],
      place: "tools",
      icon: "zoom_out",
      repeats: true,
      run: () => first((s) => s.zoomOut()),
    },
    {
      id: "fit",
      label: t("action.fit"),
      keys: ["KeyF"],
      place: "tools",
      icon: "fit",
      run: () => first((s) => s.fitTo()),
    },
    {
      id: "hide",
      label: t("action.hide"),
      keys: ["KeyH"],
      place: "tools",
      icon: "hide",
      pressed: () => hidden,
      run: () => hide(true),
      release: () => hide(false),
    },
    {
      id: "loupe",
      label: t("action.loupe"),
      keys: ["KeyZ"],
      place: "tools",
      icon: "loupe",
      pressed: () => loupe,
      run: () => magnify(true),
      release: () => magnify(false),
    },
    {
      id: "display",
      label: t("display.title"),
      keys: ["KeyI"],
      place: "tools",
      icon: "display",
      pressed: () => actions.displayShown(),
      run: () => actions.display(),
    },
  ];
}

function headerCommands(actions: Actions): Command[] {
  return [
    {
      id: "guideline",
      label: t("action.guideline"),
      keys: ["KeyG"],
      place: "header",
      icon: "guideline",
      pressed: () => actions.guidelineShown(),
      run: () => actions.guideline(),
    },
    {
      id: "why",
      label: t("action.why"),
      keys: ["KeyY"],
      place: "header",
      icon: "why",
      enabled: () => actions.holding(),
      run: () => actions.why(),
    },
    {
      id: "help",
      label: t("action.help"),
      keys: ["Shift+Slash", "F1"],
      place: "header",
      icon: "help",
      run: () => actions.help(),
    },
  ];
}

const ZOOM: readonly string[] = ["zoom-in", "zoom-out", "fit", "hide", "loupe"];

/** The global commands beside a task's own: without what the task does itself, and without keys that it uses. */
export function beside(own: readonly Command[], globals: readonly Command[], zoomable: boolean): Command[] {
  const ids = new Set(own.map((c) => c.id));
  const taken = new Set(own.flatMap((c) => keymap.keys(c)));
  return globals
    .filter((c) => !ids.has(c.id) && (zoomable || !ZOOM.includes(c.id)))
    .map((c) => {
      const keys = keymap.keys(c);
      return keys.some((key) => taken.has(key))
        ? { ...c, mapped: true, keys: keys.filter((key) => !taken.has(key)) }
        : c;
    });
}
