import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sendCommand } from "../shared/tools";
import {
  type AttributesState,
  type AttributesTask,
  choose,
  chooseNone,
  cycle,
  isOneKey,
  moveTo,
  unanswered,
} from "./model";

type Desk = Host<AttributesTask, AttributesState>;

/** An option chosen by whatever hand; the only question of a task is answered by it. */
export function pick(host: Desk, index: number, option: string): void {
  const next = choose(host.task, host.state, index, option);
  if (isOneKey(host.task)) host.submit(next);
  else host.commit(next);
}

export function attributesCommands(host: Desk): Command[] {
  const { task } = host;
  const many = task.attributes.length > 1;
  const several = task.attributes.some((a) => a.multi);
  const digits = [..."123456789"].filter((d) => task.attributes.some((a) => a.options.some((o) => o.digit === d)));
  return [
    sendCommand(() => {
      const open = unanswered(task, host.state);
      host.submit();
      if (open !== null) host.amend(moveTo(task, host.state, open));
    }),
    ...digits.map((digit) => digitCommand(host, digit)),
    ...(several ? [noneCommand(host)] : []),
    ...(many ? [moveCommand(host)] : []),
    {
      id: "cycle",
      label: t("attributes.cycle"),
      keys: ["ArrowRight", "ArrowLeft"],
      place: "none",
      run: (chord) => host.commit(cycle(task, host.state, chord === "ArrowLeft" ? -1 : 1)),
    },
  ];
}

function digitCommand(host: Desk, digit: string): Command {
  const name = (): string | null => {
    const only = host.task.attributes.length === 1 ? host.task.attributes[0] : undefined;
    return only?.options.find((o) => o.digit === digit)?.name ?? null;
  };
  return {
    id: `option-${digit}`,
    label: name() ?? t("attributes.option", { n: Number(digit) }),
    keys: [`Digit${digit}`, `Numpad${digit}`],
    place: "none",
    guarded: true,
    run() {
      const option = host.task.attributes[host.state.at]?.options.find((o) => o.digit === digit);
      if (option) pick(host, host.state.at, option.id);
    },
  };
}

function noneCommand(host: Desk): Command {
  return {
    id: "none",
    label: t("attributes.none"),
    keys: ["Digit0", "Numpad0"],
    place: "none",
    run: () => host.commit(chooseNone(host.task, host.state, host.state.at)),
  };
}

function moveCommand(host: Desk): Command {
  return {
    id: "move",
    label: t("attributes.move"),
    keys: ["ArrowDown", "ArrowUp"],
    place: "none",
    repeats: true,
    run: (chord) => host.amend(moveTo(host.task, host.state, host.state.at + (chord === "ArrowUp" ? -1 : 1))),
  };
}
