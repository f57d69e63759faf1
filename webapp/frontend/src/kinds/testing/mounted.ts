/** Every kind on the screen, driven by its own commands, as its tests promise it. */

import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../feed/protocol";
import { kinds } from "..";
import type { Session, SessionEnv } from "../session";
import { payload } from "./payloads";

/** What each kind is asked, and commands that answer it; the first one changes something. */
export type Asked = Readonly<Record<string, readonly [JsonObject, readonly string[]]>>;

export interface Opened {
  readonly session: Session;
  readonly sent: unknown[];
}

const opened: Session[] = [];

afterEach(() => {
  for (const session of opened.splice(0)) session.destroy();
});

export function openKind(asked: Asked, name: string, draft: unknown = null): Opened {
  const sent: unknown[] = [];
  const env: SessionEnv = {
    pictures: { status: "ready", get: () => null },
    submit: () => sent.push(session.answer()),
    say() {},
    zoomed() {},
    changed() {},
    reveal() {},
    armed: () => true,
  };
  const task = payload(name, asked[name]?.[0] ?? {});
  const kind = kinds.get(name);
  if (!kind) throw new Error(`no kind ${name}`);
  const session = kind.open({ assignment: 1, lease: "l", leaseSeconds: 60, task }, env, draft);
  opened.push(session);
  return { session, sent };
}

export function run(session: Session, id: string): void {
  const command = session.commands.find((c) => c.id === id);
  expect(command, id).toBeDefined();
  command?.run(null);
}

/** What holds for every kind. */
export function describeKinds(asked: Asked): void {
  describe.each(Object.keys(asked))("%s on the screen", (name) => {
    it("answers by its own commands", () => {
      const { session, sent } = openKind(asked, name);
      for (const id of asked[name]?.[1] ?? []) run(session, id);
      expect(sent).toHaveLength(1);
      expect(sent[0]).toHaveProperty("value");
    });

    it("has no key that means two things, and a name for every command", () => {
      const { commands } = openKind(asked, name).session;
      const keys = commands.flatMap((c) => c.keys);
      expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
      expect(commands.filter((c) => c.label.trim() === "" || c.keys.length === 0)).toEqual([]);
      const ids = commands.map((c) => c.id);
      expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    });

    it("goes on from a draft that was kept as JSON", () => {
      const { session } = openKind(asked, name);
      const first = asked[name]?.[1][0];
      if (first) run(session, first);
      const kept = JSON.parse(JSON.stringify(session.draft()));
      expect(openKind(asked, name, kept).session.draft()).toEqual(session.draft());
    });
  });
}
