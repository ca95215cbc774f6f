import { describe, expect, test } from "vitest";

import type { Fetch } from "../src/shared/api.ts";
import { canBeKey, keyStore, withKey } from "../src/shared/credential.ts";

class Memory {
  readonly kept = new Map<string, string>();
  getItem = (name: string): string | null => this.kept.get(name) ?? null;
  setItem = (name: string, value: string): void => void this.kept.set(name, value);
  removeItem = (name: string): void => void this.kept.delete(name);
}

describe("a key", () => {
  test("is sent in the header that the gateway reads, beside the others, and not in the address", async () => {
    const asked: { url: string; headers: Headers }[] = [];
    const fetch_: Fetch = (url, init) => {
      asked.push({ url, headers: new Headers(init?.headers) });
      return Promise.resolve(new Response("{}"));
    };
    await withKey(fetch_, { read: () => "va_web_1" })("/token?agent=a%2Fb", { headers: { Accept: "application/json" } });
    expect(asked[0]?.headers.get("Authorization")).toBe("Bearer va_web_1");
    expect(asked[0]?.headers.get("Accept")).toBe("application/json");
    expect(asked[0]?.url).toBe("/token?agent=a%2Fb");
  });

  test("is not sent where there is none", async () => {
    let headers: HeadersInit | undefined;
    await withKey(
      (_, init) => {
        headers = init?.headers;
        return Promise.resolve(new Response("{}"));
      },
      { read: () => "" },
    )("/agents");
    expect(new Headers(headers).has("Authorization")).toBe(false);
  });

  test("lives as long as the tab", () => {
    const storage = new Memory();
    keyStore(() => storage).write("va_web_1");
    expect(keyStore(() => storage).read()).toBe("va_web_1");
    keyStore(() => storage).forget();
    expect(storage.kept.size).toBe(0);
  });

  test("lives as long as the page where the browser gives no storage", () => {
    const keys = keyStore(() => {
      throw new DOMException("denied", "SecurityError");
    });
    keys.write("va_web_1");
    expect(keys.read()).toBe("va_web_1");
    keys.forget();
    expect(keys.read()).toBe("");
  });

  test.each(["va_web 1", "va_wéb", "va_\n", ""])("is not %j", (text) => {
    expect(canBeKey(text)).toBe(false);
  });
});
