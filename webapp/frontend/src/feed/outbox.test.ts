import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it } from "vitest";
import { memoryOutbox, openOutbox, type Pending } from "./outbox";

function entry(id: string, owner = "ada", at = 0): Pending {
  return {
    owner,
    at,
    message: {
      type: "answer",
      id,
      assignment: 1,
      lease: "l",
      outcome: "answered",
      value: { verdict: "ok" },
      report: null,
      telemetry: { active_ms: 1, hidden_ms: 0, idle_ms: 0, input: "key", edits: 0, undo: 0, zoom: 0 },
    },
  };
}

describe("the outbox", () => {
  it("gives back after a reload what was not acknowledged, oldest first", async () => {
    const factory = new IDBFactory();
    const before = await openOutbox(factory);
    await before.put(entry("b", "ada", 2));
    await before.put(entry("a", "ada", 1));
    await before.put(entry("c", "ada", 3));
    await before.remove("b");
    const after = await openOutbox(factory);
    expect(await after.all("ada")).toEqual([entry("a", "ada", 1), entry("c", "ada", 3)]);
  });

  it("keeps the answers of two people on one machine apart", async () => {
    const outbox = await openOutbox(new IDBFactory());
    await outbox.put(entry("a", "ada"));
    await outbox.put(entry("b", "ben"));
    expect((await outbox.all("ben")).map((e) => e.message.id)).toEqual(["b"]);
  });

  it("works in memory where the browser has no database", async () => {
    const outbox = await openOutbox(undefined);
    await outbox.put(entry("a"));
    expect(await outbox.all("ada")).toHaveLength(1);
    await outbox.remove("a");
    expect(await outbox.all("ada")).toEqual([]);
    expect(await memoryOutbox().all("ada")).toEqual([]);
  });

  it("works in memory when the browser refuses to open the database", async () => {
    const refusing = {
      open: () => {
        throw new DOMException("denied", "SecurityError");
      },
    } as unknown as IDBFactory;
    const outbox = await openOutbox(refusing);
    await outbox.put(entry("a"));
    expect(await outbox.all("ada")).toHaveLength(1);
  });
});
