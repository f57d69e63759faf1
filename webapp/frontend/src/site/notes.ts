/** Notes from the managers above the workbench: asked for again now and then, and put away without leaving the page. */

const EVERY_MS = 30_000;

export function noteList(list: HTMLUListElement): void {
  const address = list.dataset.notes ?? "";

  async function refresh(): Promise<void> {
    if (document.hidden || list.contains(document.activeElement)) return;
    try {
      const answer = await fetch(address, { redirect: "error" });
      if (answer.ok) list.innerHTML = (await answer.text()).trim();
    } catch {
      // Without a connection the notes stay as they are.
    }
  }

  async function putAway(form: HTMLFormElement): Promise<void> {
    try {
      await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
      form.closest("li")?.remove();
    } catch {
      // It stays, and can be put away once there is a connection again.
    }
  }

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target instanceof HTMLFormElement) void putAway(event.target);
  });
  document.addEventListener("visibilitychange", () => void refresh());
  setInterval(() => void refresh(), EVERY_MS);
}
