/**
 * Answers that the server has not acknowledged yet. They live in IndexedDB, so that a closed tab, an expired login or
 * a day without network loses none; the id chosen here makes a resend harmless.
 */

import type { AnswerMessage } from "./protocol";

export interface Pending {
  readonly owner: string;
  readonly message: AnswerMessage;
  /** Order of submission: milliseconds since 1970. */
  readonly at: number;
}

export interface Outbox {
  put(entry: Pending): Promise<void>;
  remove(id: string): Promise<void>;
  /** What this owner has not got acknowledged, oldest first. */
  all(owner: string): Promise<Pending[]>;
}

const STORE = "answers";

/** Open the store; where a browser refuses IndexedDB (private windows of some), answers are kept in memory. */
export async function openOutbox(factory: IDBFactory | undefined = globalThis.indexedDB): Promise<Outbox> {
  if (!factory) return memoryOutbox();
  try {
    return databaseOutbox(await openDatabase(factory));
  } catch {
    return memoryOutbox();
  }
}

export function memoryOutbox(): Outbox {
  const entries = new Map<string, Pending>();
  return {
    put: async (entry) => void entries.set(entry.message.id, entry),
    remove: async (id) => void entries.delete(id),
    all: async (owner) => inOrder([...entries.values()].filter((entry) => entry.owner === owner)),
  };
}

function databaseOutbox(db: IDBDatabase): Outbox {
  const store = (mode: IDBTransactionMode) => db.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE);
  return {
    async put(entry) {
      await done(store("readwrite").put({ ...entry, id: entry.message.id }));
    },
    async remove(id) {
      await done(store("readwrite").delete(id));
    },
    async all(owner) {
      const rows: Pending[] = await done(store("readonly").index("owner").getAll(owner));
      return inOrder(rows.map(({ owner, message, at }) => ({ owner, message, at })));
    },
  };
}

function openDatabase(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open("tessera-workbench", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("owner", "owner");
  };
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function inOrder(entries: Pending[]): Pending[] {
  return entries.sort((a, b) => a.at - b.at);
}
