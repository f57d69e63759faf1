import { t } from "../../messages";
import type { Command, Tone } from "../../ui/commands";
import type { Host } from "../session";
import type { Flicker } from "./flicker";
import {
  type AdjudicateState,
  type AdjudicateTask,
  asked,
  blindAnswer,
  comparable,
  nextSource,
  type Ruling,
  rule,
  take,
} from "./model";

const RULING_KEYS: Readonly<Record<Ruling, readonly [readonly string[], Tone, string]>> = {
  accept: [["Space"], "good", "check"],
  reject: [["KeyX", "Delete"], "bad", "cross"],
  undecidable: [["KeyD"], "plain", "unsure"],
};

export function adjudicateCommands(host: Host<AdjudicateTask, AdjudicateState>, flicker: Flicker): Command[] {
  const choose = (ruling: Ruling): void => {
    if (host.state.phase === "case") {
      host.commit(rule(host.state, ruling));
      return;
    }
    const state = rule(host.state, ruling);
    const blind = blindAnswer(state);
    if (!blind) return;
    host.amend(asked(state));
    host.reveal(blind);
  };
  return [
    ...(Object.keys(RULING_KEYS) as Ruling[]).map((ruling): Command => {
      const [keys, tone, icon] = RULING_KEYS[ruling];
      return {
        id: ruling,
        label: t(`adjudicate.${ruling}`),
        keys,
        place: "main",
        tone,
        icon,
        guarded: true,
        pressed: () => host.state.ruling === ruling,
        enabled: () => host.state.phase !== "asked" && host.state.redraw === null,
        run: () => choose(ruling),
      };
    }),
    {
      id: "submit",
      label: t("adjudicate.final"),
      keys: ["Ctrl+Enter", "Ctrl+NumpadEnter"],
      place: "main",
      tone: "primary",
      icon: "send",
      guarded: true,
      whyNot: t("adjudicate.blind_first"),
      enabled: () => host.state.phase === "case" && host.state.ruling !== null,
      run: () => host.submit(),
    },
    {
      id: "next-outline",
      label: t("adjudicate.versions"),
      keys: ["KeyQ"],
      place: "none",
      enabled: () => host.state.phase === "case",
      run() {
        const next = nextSource(host.state);
        if (next) host.commit(take(host.state, next));
      },
    },
    {
      id: "flicker",
      label: t("adjudicate.flicker"),
      keys: ["KeyB"],
      place: "tools",
      icon: "swap",
      enabled: () => host.state.phase === "case" && host.state.redraw === null && comparable(host.state) !== null,
      whyNot: t("adjudicate.no_two"),
      pressed: () => flicker.shown !== null,
      run: () => flicker.toggle(),
    },
  ];
}
