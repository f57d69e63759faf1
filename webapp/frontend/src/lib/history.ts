/** Unlimited undo within a task: immutable states on two stacks. */

export interface History<S> {
  readonly past: readonly S[];
  readonly now: S;
  readonly future: readonly S[];
}

export function begin<S>(state: S): History<S> {
  return { past: [], now: state, future: [] };
}

/** A step that undo takes back. */
export function advance<S>(history: History<S>, state: S): History<S> {
  return { past: [...history.past, history.now], now: state, future: [] };
}

/** A change that undo does not stop at, such as moving a cursor. */
export function amend<S>(history: History<S>, state: S): History<S> {
  return { ...history, now: state };
}

export function undo<S>(history: History<S>): History<S> {
  const last = history.past.at(-1);
  if (last === undefined) return history;
  return { past: history.past.slice(0, -1), now: last, future: [history.now, ...history.future] };
}

export function redo<S>(history: History<S>): History<S> {
  const [next, ...rest] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.now], now: next, future: rest };
}
