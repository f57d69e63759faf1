import { ARROW_CHORDS, arrowOf } from "../../canvas/arrows";
import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { reasonCommands } from "../shared/verdicts";
import { classOf } from "../task";
import { ask, judge, toggleEdge, type VerifyState, type VerifyTask } from "./model";

export function verifyCommands(host: Host<VerifyTask, VerifyState>): Command[] {
  const name = classOf(host.task, host.task.object.label).name;
  return [
    {
      id: "ok",
      label: t("verify_box.ok"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      run() {
        // A yes that contradicts the marks just made is a slip.
        if (host.state.edges.length > 0) host.say(t("verify_box.edges_marked"));
        else host.submit(judge(host.state, "ok"));
      },
    },
    {
      id: "bad",
      label: t("verify_box.bad"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      guarded: true,
      pressed: () => host.state.asking,
      run: () => host.amend(ask(host.state, !host.state.asking)),
    },
    {
      id: "submit",
      label: t("verify_box.edges_sent"),
      keys: ["Enter", "NumpadEnter"],
      place: "side",
      tone: "primary",
      icon: "send",
      guarded: true,
      enabled: () => host.state.edges.length > 0,
      run: () => host.submit(judge(host.state, "geometry")),
    },
    ...reasonCommands(name, (reason) => host.submit(judge(host.state, reason))),
    {
      id: "edges",
      label: t("verify_box.edges"),
      keys: ARROW_CHORDS,
      place: "none",
      run(chord) {
        const arrow = arrowOf(chord);
        if (arrow) host.commit(toggleEdge(host.state, arrow.edge));
      },
    },
    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      enabled: () => host.state.asking,
      run: () => host.commit(ask(host.state, false)),
    },
  ];
}
