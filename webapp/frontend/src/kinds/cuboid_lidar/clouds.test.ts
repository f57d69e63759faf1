import { afterEach, describe, expect, it, vi } from "vitest";
import { cloudAt } from "./clouds";

const bytes = new Float32Array([1, 2, 3, 0.5]).buffer;

function serving(...answers: (Response | Error)[]) {
  const fetching = vi.fn(async () => {
    const next = answers.shift();
    if (!next || next instanceof Error) throw next ?? new Error("nothing left");
    return next;
  });
  vi.stubGlobal("fetch", fetching);
  return fetching;
}

afterEach(() => vi.unstubAllGlobals());

describe("clouds fetched ahead", () => {
  it("are fetched once for one address", async () => {
    const fetching = serving(new Response(bytes));
    const ahead = cloudAt({ url: "/clouds/a", count: 1 });
    expect(await cloudAt({ url: "/clouds/a", count: 1 })).toBe(await ahead);
    expect(fetching).toHaveBeenCalledTimes(1);
  });

  it("are tried again after a failure, a refusal, or a cloud that is too short", async () => {
    const fetching = serving(
      new Error("offline"),
      new Response("", { status: 503 }),
      new Response(bytes.slice(0, 8)),
      new Response(bytes),
    );
    const place = { url: "/clouds/b", count: 1 };
    await expect(cloudAt(place)).rejects.toThrow("offline");
    await expect(cloudAt(place)).rejects.toThrow("refused: 503");
    await expect(cloudAt(place)).rejects.toThrow("8 bytes, 16 expected");
    expect((await cloudAt(place)).count).toBe(1);
    expect(fetching).toHaveBeenCalledTimes(4);
  });

  it("are kept for the last three tasks only", async () => {
    const fetching = serving(...Array.from({ length: 5 }, () => new Response(bytes)));
    for (const name of ["c", "d", "e", "f"]) await cloudAt({ url: `/clouds/${name}`, count: 1 });
    await cloudAt({ url: "/clouds/f", count: 1 });
    expect(fetching).toHaveBeenCalledTimes(4);
    await cloudAt({ url: "/clouds/c", count: 1 });
    expect(fetching).toHaveBeenCalledTimes(5);
  });
});
