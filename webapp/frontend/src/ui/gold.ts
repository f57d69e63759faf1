/** What a control task teaches, in the person's language. */

import type { Feedback } from "../feed/protocol";
import { isKey, t } from "../messages";

export function goldText({ code, about, correct, message }: Feedback): string {
  const key = `gold.${code}`;
  if (isKey(key)) return t(key, about);
  return message || t(correct ? "gold.right" : "gold.settled_other");
}
