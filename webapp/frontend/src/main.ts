import "./styles/index.css";
import { App } from "./app";
import { openOutbox } from "./feed/outbox";
import { applyLanguage } from "./messages";
import { applyTheme } from "./ui/theme";

const DEFAULT_GRACE_MS = 4_000;
const LONGEST_GRACE_MS = 15_000;

async function start(root: HTMLElement): Promise<void> {
  const { socket = "/ws/feed/", user = "", wage = "0", currency = "USD" } = root.dataset;
  const url = new URL(socket, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const app = new App(root, {
    url: url.href,
    owner: ownerOf(user),
    wagePerHour: Number(wage) || 0,
    currency,
    outbox: await openOutbox(),
    graceMs: graceMs(),
    loggedIn,
  });
  Object.defineProperty(window, "__tessera", { value: debugOf(app), writable: false });
  document.body.classList.add("has-workbench");
  await app.start();
}

/** `data-user` is a login name, or `{"id", "name", "tier"}` as JSON. */
function ownerOf(user: string): string {
  try {
    const who: unknown = JSON.parse(user);
    if (typeof who === "object" && who !== null && "id" in who) return String(who.id);
  } catch {}
  return user;
}

/** How long an answer can be taken back; people may choose another time, or 0, in their browser. */
function graceMs(): number {
  const chosen = Number(localStorage.getItem("tessera-grace-ms") ?? DEFAULT_GRACE_MS);
  return Number.isFinite(chosen) && chosen >= 0 ? Math.min(chosen, LONGEST_GRACE_MS) : DEFAULT_GRACE_MS;
}

/** A refused socket does not say why; the page itself answers with a redirect when the login has expired. */
async function loggedIn(): Promise<boolean> {
  try {
    const response = await fetch(location.pathname, {
      redirect: "manual",
      credentials: "same-origin",
      cache: "no-store",
    });
    return response.type !== "opaqueredirect" && response.status !== 401 && response.status !== 403;
  } catch {
    return true; // No network: nothing is known about the login.
  }
}

function debugOf(app: App): object {
  return Object.freeze({
    get state() {
      return app.debug;
    },
    get counters() {
      return app.meter.counters;
    },
    get submitToPaintMs() {
      return [...app.meter.submitToPaintMs];
    },
    get submitToShownMs() {
      return [...app.meter.submitToShownMs];
    },
  });
}

applyTheme();
applyLanguage();
const root = document.getElementById("workbench");
if (root) void start(root);
