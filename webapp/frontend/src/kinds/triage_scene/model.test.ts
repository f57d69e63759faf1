import { describe, expect, it } from "vitest";
import type { Host } from "../session";
import { readTask, type Task } from "../task";
import { payload } from "../testing/payloads";
import { triageCommands } from "./keys";
import { answerTriage, FAULTS, readTriage, startTriage, type TriageState } from "./model";

const fields = payload("triage_scene", {});
const task = readTriage(fields, readTask(fields));

function answers(): { sent: TriageState[]; press(id: string): void } {
  const sent: TriageState[] = [];
  const host = { task, state: startTriage(), submit: (s: TriageState) => sent.push(s) } as unknown as Host<
    Task,
    TriageState
  >;
  const commands = triageCommands(host);
  return { sent, press: (id) => commands.find((c) => c.id === id)?.run(null) };
}

describe("triage_scene", () => {
  it("has no answer before one is chosen", () => {
    expect(answerTriage(task, startTriage())).toHaveProperty("missing");
  });

  it("answers with exactly one state", () => {
    expect(answerTriage(task, { state: "privacy" })).toEqual({ value: { state: "privacy" } });
  });

  it("sends each state by one key", () => {
    const { sent, press } = answers();
    press("usable");
    for (const fault of FAULTS) press(`state-${fault}`);
    expect(sent.map((s) => s.state)).toEqual(["usable", "blurred", "dark", "privacy", "wrong_domain"]);
  });
});
