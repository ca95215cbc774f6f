import { describe, expect, test } from "vitest";

import { askTranscript } from "../src/fleet/transcript_panel.ts";
import type { Fetch } from "../src/shared/api.ts";

const NEVER = new AbortController().signal;
const LINE = { number: 3, at: "2026-05-04T12:00:00.000Z", who: "caller", language: "en", text: "Hello?" };

function answering(status: number, body: string): { fetch_: Fetch; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetch_: (url) => {
      asked.push(url);
      return Promise.resolve(new Response(body, { status }));
    },
  };
}

describe("a transcript", () => {
  test("is asked for from the last line on, of the call alone", async () => {
    const transcript = { running: true, missing: 2, lines: [LINE] };
    const { fetch_, asked } = answering(200, JSON.stringify(transcript));
    expect(await askTranscript("AJ_1/../x", 2, fetch_, NEVER)).toEqual(transcript);
    expect(asked).toEqual(["/sessions/AJ_1%2F..%2Fx/transcript?after=2"]);
  });

  test.each([
    [404, "{}", "none"],
    [401, "{}", "refused"],
    [403, "{}", "refused"],
    [503, "{}", "away"],
    [200, "<html>", "away"],
    [200, "null", "away"],
    [200, '{"lines": 1}', "away"],
  ] as const)("that is answered by %i and %j is %s", async (status, body, found) => {
    expect(await askTranscript("AJ_1", 0, answering(status, body).fetch_, NEVER)).toBe(found);
  });

  test("of a gateway that cannot be reached is asked for again, and not once the panel is closed", async () => {
    const fails: Fetch = () => Promise.reject(new TypeError("failed to fetch"));
    expect(await askTranscript("AJ_1", 0, fails, NEVER)).toBe("away");
    await expect(askTranscript("AJ_1", 0, fails, AbortSignal.abort())).rejects.toThrow();
  });
});
