/** Sends pictures in small portions, each of which the server stores whole or not at all, and says how it goes. */

import { fill, given } from "./dom";

export const PORTION_FILES = 20;
export const PORTION_BYTES = 24 * 2 ** 20;
const PICTURES = /\.(jpe?g|jpe|png|tiff?|bmp|webp|gif|zip|json|xml)$/i;
const ALONE = /\.(zip|json|xml)$/i;

/** Cut files into portions. Annotations belong to the pictures that they came with, so those go in one. */
export function portions(files: readonly File[]): File[][] {
  const wanted = files.filter((file) => PICTURES.test(file.name) && !file.name.startsWith("."));
  const zips = wanted.filter((file) => /\.zip$/i.test(file.name));
  const rest = wanted.filter((file) => !zips.includes(file));
  const out: File[][] = zips.map((file) => [file]);
  if (rest.some((file) => ALONE.test(file.name))) return [...out, rest];
  let portion: File[] = [];
  let bytes = 0;
  for (const file of rest) {
    if (portion.length > 0 && (portion.length >= PORTION_FILES || bytes + file.size > PORTION_BYTES)) {
      out.push(portion);
      portion = [];
      bytes = 0;
    }
    portion.push(file);
    bytes += file.size;
  }
  return portion.length > 0 ? [...out, portion] : out;
}

interface Reply {
  readonly ok: boolean;
  readonly scenes?: number;
  readonly known?: number;
  readonly problems?: readonly string[];
}

type Texts = Readonly<Record<string, string>>;

/** Why the upload stopped; the message is for the person. */
class Stopped extends Error {}

class Upload {
  private readonly bar: HTMLProgressElement;
  private readonly status: HTMLElement;
  private readonly problems: HTMLElement;
  private added = 0;
  private known = 0;
  private failed = 0;
  private busy = false;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly texts: Texts,
  ) {
    this.bar = form.querySelector("progress") as HTMLProgressElement;
    this.status = form.querySelector("[role=status]") as HTMLElement;
    this.problems = form.querySelector(".upload-problems") as HTMLElement;
  }

  async send(files: readonly File[]): Promise<void> {
    if (this.busy) return;
    const parts = portions(files);
    const total = parts.reduce((n, part) => n + part.length, 0);
    this.begin();
    if (total === 0) {
      this.complain(this.texts.nothing ?? "", []);
      return;
    }
    this.busy = true;
    window.addEventListener("beforeunload", hold);
    let done = 0;
    try {
      for (const part of parts) {
        this.show(done, total);
        this.note(await this.post(part), part);
        done += part.length;
      }
      this.bar.value = 100;
      this.finish();
    } catch (error) {
      this.complain(error instanceof Stopped ? error.message : (this.texts.lost ?? ""), []);
    } finally {
      this.busy = false;
      window.removeEventListener("beforeunload", hold);
    }
  }

  private begin(): void {
    this.added = this.known = this.failed = 0;
    this.problems.hidden = true;
    (this.problems.querySelector("ul") as HTMLElement).replaceChildren();
    (this.bar.parentElement as HTMLElement).hidden = false;
  }

  private show(done: number, total: number): void {
    this.bar.value = (100 * done) / total;
    this.status.textContent = fill(this.texts.sending ?? "", { done, total });
  }

  private note(reply: Reply, part: File[]): void {
    if (reply.ok) {
      this.added += reply.scenes ?? 0;
      this.known += reply.known ?? 0;
      return;
    }
    this.failed += part.length;
    this.complain(fill(this.texts.failed ?? "", { n: this.failed }), reply.problems ?? []);
  }

  /** A portion that holds a broken file is sent again file by file, so that only the broken one is left out. */
  private async post(part: File[]): Promise<Reply> {
    const reply = await this.request(part);
    if (reply.ok || part.length === 1 || part.some((file) => ALONE.test(file.name))) return reply;
    let scenes = 0;
    let known = 0;
    for (const file of part) {
      const single = await this.request([file]);
      if (single.ok) {
        scenes += single.scenes ?? 0;
        known += single.known ?? 0;
      } else this.note(single, [file]);
    }
    return { ok: true, scenes, known };
  }

  private async request(part: File[]): Promise<Reply> {
    const body = new FormData();
    const field = (name: string): string =>
      (this.form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? "";
    body.append("csrfmiddlewaretoken", field("csrfmiddlewaretoken"));
    body.append("dataset", field("dataset"));
    for (const file of part) body.append("files", file, file.name);
    const response = await fetch(this.form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (response.redirected || response.status === 403) throw new Stopped(this.texts.expired ?? "");
    if (!response.ok && response.status !== 422) throw new Stopped(this.texts.lost ?? "");
    return (await response.json()) as Reply;
  }

  private complain(title: string, lines: readonly string[]): void {
    this.problems.hidden = false;
    (this.problems.querySelector("p") as HTMLElement).textContent = title;
    const list = this.problems.querySelector("ul") as HTMLElement;
    for (const line of lines) {
      const item = document.createElement("li");
      item.textContent = line;
      list.append(item);
    }
  }

  private finish(): void {
    const parts = [fill(this.texts.added ?? "", { n: this.added })];
    if (this.known > 0) parts.push(fill(this.texts.known ?? "", { n: this.known }));
    this.status.textContent = parts.join(" · ");
    // What could not be used stays on the page; otherwise the page is shown anew with the pictures.
    if (this.failed === 0) location.reload();
    else {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = this.texts.reload ?? "";
      this.status.append(" · ", link);
    }
  }
}

function hold(event: Event): void {
  event.preventDefault();
}

/** All files of what was dropped, folders included. */
async function dropped(items: DataTransferItemList): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files: File[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // A reader gives its entries in portions until one is empty.
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const each of some) await walk(each);
    }
  };
  for (const entry of entries) await walk(entry);
  return files.sort((a, b) => a.name.localeCompare(b.name));
}

export function uploadForm(form: HTMLFormElement): void {
  const upload = new Upload(form, given<Texts>("upload-texts"));
  const zone = form.querySelector(".drop") as HTMLElement;
  for (const hidden of form.querySelectorAll<HTMLElement>(".folder")) hidden.hidden = false;
  for (const button of form.querySelectorAll<HTMLElement>(".no-script")) button.hidden = true;
  for (const input of form.querySelectorAll<HTMLInputElement>("input[type=file]")) {
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      void upload.send(files);
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const items = event.dataTransfer?.items;
    if (items) void dropped(items).then((files) => upload.send(files));
  });
}
