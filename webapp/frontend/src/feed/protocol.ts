/** The messages of docs/feed-protocol.md, version 1, and a reader for those that the server sends. */

import { type Fields, fieldsOf, listOf, numberOf, oneOf, optional, ParseError, textOf } from "../lib/parse";

export const PROTOCOL_VERSION = 1;
export const APP = "workbench/1";

export const OUTCOMES = ["answered", "unsure", "skip", "report"] as const;
export type Outcome = (typeof OUTCOMES)[number];
export const REPORT_CODES = [
  "bad_image",
  "wrong_question",
  "guideline_gap",
  "sensitive",
  "broken_ui",
  "other",
] as const;
export type ReportCode = (typeof REPORT_CODES)[number];

export interface Report {
  readonly code: ReportCode;
  readonly text: string;
}

export type InputDevice = "key" | "mouse" | "touch";

export interface Telemetry {
  readonly active_ms: number;
  readonly hidden_ms: number;
  readonly idle_ms: number;
  readonly input: InputDevice;
  readonly edits: number;
  readonly undo: number;
  readonly zoom: number;
}

export type JsonObject = { readonly [key: string]: unknown };

export interface AnswerMessage {
  readonly type: "answer";
  readonly id: string;
  readonly assignment: number | string;
  readonly lease: string;
  readonly outcome: Outcome;
  readonly value: JsonObject | null;
  readonly report: Report | null;
  readonly telemetry: Telemetry;
}

export type AssignmentId = number | string;

export type ClientMessage =
  | { readonly type: "hello"; readonly v: number; readonly app: string }
  | { readonly type: "ready"; readonly want: number }
  | AnswerMessage
  | { readonly type: "extend" | "release"; readonly assignment: AssignmentId; readonly lease: string }
  | { readonly type: "reveal"; readonly assignment: AssignmentId; readonly lease: string; readonly blind: JsonObject }
  | { readonly type: "explain"; readonly assignment: AssignmentId }
  | { readonly type: "ping" };

export interface Offer {
  readonly assignment: AssignmentId;
  readonly lease: string;
  readonly leaseSeconds: number;
  /** The payload as it came; the kind's own reader checks it. */
  readonly task: Fields;
}

export const ACK_STATUSES = ["accepted", "duplicate", "late"] as const;
export type AckStatus = (typeof ACK_STATUSES)[number];

/** Something to tell: a code with its numbers and names. The catalogues have a text for every code that we know. */
export interface Said {
  readonly code: string;
  readonly about: Readonly<Record<string, string | number>>;
  /** The same in English, for codes that we do not know; what a person wrote has no code. */
  readonly message: string;
}

export interface Feedback extends Said {
  readonly correct: boolean;
}

export type ServerMessage =
  | {
      readonly type: "welcome";
      readonly annotator: { id: AssignmentId; name: string; tier: string };
      readonly heartbeatSeconds: number;
    }
  | { readonly type: "offer"; readonly offer: Offer }
  | { readonly type: "ack"; readonly id: string; readonly status: AckStatus; readonly feedback: Feedback | null }
  | { readonly type: "idle"; readonly reasons: readonly Said[] }
  | { readonly type: "revoked"; readonly assignment: AssignmentId; readonly reasons: readonly Said[] }
  | { readonly type: "case"; readonly assignment: AssignmentId; readonly case: Fields }
  | {
      readonly type: "explanation";
      readonly assignment: AssignmentId;
      readonly why: readonly Said[];
      readonly asked: readonly Said[];
      readonly terms: unknown;
    }
  | { readonly type: "paused"; readonly reasons: readonly Said[] }
  | { readonly type: "resumed" }
  | { readonly type: "drain"; readonly reconnectSeconds: number }
  | { readonly type: "error"; readonly code: string; readonly message: string; readonly ref: AssignmentId | null }
  | { readonly type: "pong" };

/** Read one frame. Raises ParseError for what is not a message; null for a type that this version does not know. */
export function readMessage(frame: string): ServerMessage | null {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    throw new ParseError("message: expected JSON");
  }
  const m = fieldsOf(json, "message");
  const read = READERS[textOf(m.type, "type")];
  return read ? read(m) : null;
}

const READERS: Readonly<Record<string, (m: Fields) => ServerMessage>> = {
  welcome(m) {
    const who = fieldsOf(m.annotator, "annotator");
    return {
      type: "welcome",
      annotator: {
        id: idOf(who.id, "annotator.id"),
        name: textOf(who.name, "annotator.name"),
        tier: textOf(who.tier, "annotator.tier"),
      },
      heartbeatSeconds: optional(m.heartbeat_s, "heartbeat_s", numberOf, 30),
    };
  },
  offer(m) {
    return {
      type: "offer",
      offer: {
        assignment: idOf(m.assignment, "assignment"),
        lease: textOf(m.lease, "lease"),
        leaseSeconds: optional(m.lease_s, "lease_s", numberOf, 600),
        task: fieldsOf(m.task, "task"),
      },
    };
  },
  ack(m) {
    return {
      type: "ack",
      id: textOf(m.id, "id"),
      status: oneOf(m.status, "status", ACK_STATUSES),
      feedback: feedbackOf(m.feedback),
    };
  },
  idle(m) {
    return {
      type: "idle",
      reasons: saidOf(
        m.because,
        "because",
        optional(m.reasons, "reasons", (v, w) => listOf(v, w, textOf), []),
      ),
    };
  },
  revoked(m) {
    return {
      type: "revoked",
      assignment: idOf(m.assignment, "assignment"),
      reasons: saidOf(m.because, "because", [optional(m.reason, "reason", textOf, "")]),
    };
  },
  case(m) {
    return { type: "case", assignment: idOf(m.assignment, "assignment"), case: fieldsOf(m.case, "case") };
  },
  explanation(m) {
    return {
      type: "explanation",
      assignment: idOf(m.assignment, "assignment"),
      why: saidOf(m.because, "because", [textOf(m.why, "why")]),
      asked: saidOf(m.asked, "asked", [optional(m.asked_because, "asked_because", textOf, "")]),
      terms: m.terms,
    };
  },
  paused(m) {
    return { type: "paused", reasons: saidOf(m.because, "because", [optional(m.reason, "reason", textOf, "")]) };
  },
  resumed() {
    return { type: "resumed" };
  },
  drain(m) {
    return { type: "drain", reconnectSeconds: optional(m.reconnect_s, "reconnect_s", numberOf, 5) };
  },
  error(m) {
    return {
      type: "error",
      code: textOf(m.code, "code"),
      message: optional(m.message, "message", textOf, ""),
      ref: m.ref === null || m.ref === undefined ? null : idOf(m.ref, "ref"),
    };
  },
  pong() {
    return { type: "pong" };
  },
};

function idOf(value: unknown, where: string): AssignmentId {
  return typeof value === "string" ? value : numberOf(value, where);
}

function feedbackOf(value: unknown): Feedback | null {
  if (value === null || value === undefined) return null;
  const f = fieldsOf(value, "feedback");
  return typeof f.correct === "boolean" ? { correct: f.correct, ...oneSaid(f, "feedback") } : null;
}

/** A list of what to tell; where a server sends none yet, its texts. */
export function saidOf(value: unknown, where: string, texts: readonly string[]): Said[] {
  if (value === undefined || value === null)
    return texts.filter((text) => text !== "").map((message) => ({ code: "", about: {}, message }));
  return listOf(value, where, (row, at) => oneSaid(fieldsOf(row, at), at));
}

function oneSaid(f: Fields, where: string): Said {
  const about = Object.entries(optional(f.about, `${where}.about`, fieldsOf, {})).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === "string" || typeof entry[1] === "number",
  );
  const text = (name: string) => optional(f[name], `${where}.${name}`, textOf, "");
  return { code: text("code"), about: Object.fromEntries(about), message: text("message") };
}
