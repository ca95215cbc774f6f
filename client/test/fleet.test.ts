import { describe, expect, test } from "vitest";

import { EventReader } from "../src/fleet/events.ts";
import { follow, type Link } from "../src/fleet/follow.ts";
import { formatOf, localeOf } from "../src/fleet/format.ts";
import { columns, highest, type HistoryAnswer } from "../src/fleet/history.ts";
import { type Agent, agentOf, type Attention, type Fleet, idOf, inOrder, parseFleet } from "../src/fleet/model.ts";
import { en } from "../src/fleet/words/en.ts";
import { fr } from "../src/fleet/words/fr.ts";
import type { Fetch } from "../src/shared/api.ts";

const NOTHING: Fleet = { sessions: 0, capacity: 0, cost: null, currency: null, attention: [], agents: [] };

function event(fleet: Fleet): string {
  return `event: fleet\ndata: ${JSON.stringify(fleet)}\n\n`;
}

describe("a stream of events", () => {
  test("is read however it is cut into pieces", () => {
    const text = `: still here\n\n${event(NOTHING)}${event({ ...NOTHING, sessions: 2 })}`;
    for (let size = 1; size < text.length; size += 7) {
      const reader = new EventReader();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...reader.push(text.slice(at, at + size)));
      expect(found.map(({ name }) => name)).toEqual(["fleet", "fleet"]);
      expect(parseFleet(found[1]?.data ?? "")?.sessions).toBe(2);
    }
  });

  test("that is cut off in the middle of an event has only those before", () => {
    expect(new EventReader().push(event(NOTHING) + "event: fleet\ndata: {")).toHaveLength(1);
  });

  test.each(["", "null", "[]", "{}", '{"agents": 1, "attention": []}', "<html>"])("that holds %j shows nothing", (text) => {
    expect(parseFleet(text)).toBeNull();
  });
});

/** Follows a gateway that answers so, one answer after the other; stops once they are used up. */
async function followed(...answers: (() => Response)[]): Promise<{ links: Link[]; shown: Fleet[]; slept: number[] }> {
  const abort = new AbortController();
  const links: Link[] = [];
  const shown: Fleet[] = [];
  const slept: number[] = [];
  let asked = 0;
  const fetch_: Fetch = () => {
    const answer = answers[asked++];
    return answer === undefined ? Promise.reject(new Error("used up")) : Promise.resolve(answer());
  };
  await follow({
    signal: abort.signal,
    fetch_,
    show: (fleet) => shown.push(fleet),
    tell: (link) => links.push(link),
    sleep: (milliseconds) => {
      slept.push(milliseconds);
      if (asked >= answers.length) abort.abort();
      return Promise.resolve();
    },
  });
  return { links, shown, slept };
}

describe("following the fleet", () => {
  test("shows each document, and begins anew without a word where the gateway ended the stream", async () => {
    const stream = (): Response => new Response(event(NOTHING) + event({ ...NOTHING, sessions: 1 }));
    const { links, shown, slept } = await followed(stream, stream);
    expect(shown.map(({ sessions }) => sessions)).toEqual([0, 1, 0, 1]);
    expect(links.map(({ kind }) => kind)).toEqual(["connecting", "live", "live"]);
    expect(slept).toEqual([1000, 1000]);
  });

  test("says that it reconnects, more and more patiently", async () => {
    const away = (): Response => new Response("", { status: 502 });
    const { links, slept } = await followed(away, away, away, away, away, away, away);
    expect(links.at(-1)).toEqual({ kind: "reconnecting" });
    expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test("waits as long as the gateway says", async () => {
    const full = (): Response => new Response("", { status: 503, headers: { "Retry-After": "10" } });
    expect((await followed(full)).slept).toEqual([10_000]);
  });

  test.each([401, 403])("stops at %d, with the reason", async (status) => {
    const refused = (): Response => new Response(JSON.stringify({ detail: "Who?" }), { status });
    const { links, slept } = await followed(refused);
    expect(links.at(-1)).toEqual({ kind: "refused", status, detail: "Who?" });
    expect(slept).toEqual([]);
  });
});

describe("agents", () => {
  test("are listed with those that need attention first, then by name", () => {
    const agent = (name: string, health: Agent["health"]): Agent => ({ namespace: "n", name, health }) as Agent;
    const agents = [agent("b", "healthy"), agent("a", "healthy"), agent("z", "failing"), agent("y", "degraded")];
    expect(inOrder({ ...NOTHING, agents }).map(idOf)).toEqual(["n/z", "n/y", "n/a", "n/b"]);
  });

  test.each([
    ["#default/receptionist", "default/receptionist"],
    ["#default/a.b-c", "default/a.b-c"],
    ["#", null],
    ["", null],
    ["#receptionist", null],
    ["#a/b/c", null],
    ["#a/<img>", null],
  ])("are named by the address: %s is %s", (hash, id) => {
    expect(agentOf(hash)).toBe(id);
  });
});

describe("the history", () => {
  const answer: HistoryAnswer = {
    from: "2026-05-04T12:00:00.000Z",
    to: "2026-05-04T12:04:00.000Z",
    step_seconds: 60,
    agents: [
      {
        points: [
          {
            timestamp: "2026-05-04T12:01:00.000Z",
            active: { max: 3 },
            latency: { e2e: { p50: 800, p95: 1500, p99: 2000 } },
          },
          { timestamp: "2026-05-04T12:03:00.000Z", active: { max: 1 }, latency: { e2e: null } },
        ],
      },
    ],
  };

  test("has each step: no calls where nothing was, and a gap where nothing was measured", () => {
    const { seconds, sessions, p50, p95 } = columns(answer);
    expect(seconds.map((at) => at - (seconds[0] ?? 0))).toEqual([0, 60, 120, 180]);
    expect(sessions).toEqual([0, 3, 0, 1]);
    expect(p50).toEqual([null, 0.8, null, null]);
    expect(highest(p95)).toBe(1.5);
  });

  test("of an agent that has none is flat", () => {
    const { sessions, p99 } = columns({ ...answer, agents: [] });
    expect(sessions).toEqual([0, 0, 0, 0]);
    expect(highest(p99)).toBeNull();
  });
});

describe("words", () => {
  const CODES = [
    "not-reconciled", "stalled", "not-ready", "partly-ready", "provider-refuses", "config-not-synced", "not-scaling",
    "budget-refuses", "budget-exceeded", "reconciling", "suspended", "full", "growing", "pods-silent", "config-refused",
    "drain-ends", "deleted", "slow", "calls-failed",
  ];
  const values = {
    detail: "Why.", reason: "R", sessions: 2, capacity: 5, count: 2, pod: "p", deadline: "12:00", milliseconds: 3100,
    failed: 2, ended: 9,
  };
  const found = (code: string): Attention => ({
    severity: "warning", namespace: "n", agent: "a", code, message: "In English.", values,
  });

  test.each(CODES)("of %s are said in French", (code) => {
    const sentence = fr.attention(found(code));
    expect(sentence).not.toBe("In English.");
    expect(sentence).toMatch(/^[A-ZÀÉÎ0-9].*[.!]$/);
    expect(sentence).not.toMatch(/undefined|null|NaN/);
  });

  test("that a newer gateway says are shown as they come", () => {
    expect(fr.attention(found("something-new"))).toBe("In English.");
    expect(en.attention(found("full"))).toBe("In English.");
  });
});

describe("a number", () => {
  test.each([
    ["en", "3.2", "EUR", "€3.20"],
    ["en", "0.00042", "USD", "$0.0004"],
    ["en", "5", "credits", "5.00 credits"],
    ["fr", "3.2", "EUR", "3,20 €"],
  ])("of money in %s: %s %s is %s", (language, amount, currency, shown) => {
    expect(formatOf(language).money(amount, currency).replace(/\s/g, " ")).toBe(shown);
  });

  test.each([
    [-5, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000 + 120_000, "1 h 2 min"],
  ])("of time: %d ms is %s", (milliseconds, shown) => {
    expect(formatOf("en").duration(milliseconds).replaceAll("\u00a0", " ")).toBe(shown);
  });

  test("that was not measured is a dash", () => {
    expect(formatOf("en").wait(null)).toBe("–");
    expect(formatOf("fr").wait(1234)).toBe("1,2\u00a0s");
  });

  test("is written as in the visitor's country, where the browser tells one of the page's language", () => {
    expect(localeOf("fr", ["de-DE", "fr-CA", "fr"])).toBe("fr-CA");
    expect(localeOf("fr", ["en-GB"])).toBe("fr");
    expect(formatOf("fr").number(1.25)).toBe("1,25");
    expect(formatOf("en").number(1.25)).toBe("1.25");
  });
});

describe("the marks below a chart", () => {
  const at = Date.parse("2026-05-04T23:30:00Z") / 1000;

  test.each([
    ["fr", ["23:30\n4 mai", "00:00\n5 mai", "00:30"]],
    ["en-GB", ["23:30\n4 May", "00:00\n5 May", "00:30"]],
    ["en", ["11:30 PM\nMay 4", "12:00 AM\nMay 5", "12:30 AM"]],
  ])("name the day where one begins, in %s", (locale, shown) => {
    const marks = formatOf(locale, "UTC").marks([at, at + 1800, at + 3600], 1800);
    expect(marks.map((mark) => mark.replace(/[\u00a0\u202f]/g, " "))).toEqual(shown);
  });

  test("are days where they are days apart", () => {
    expect(formatOf("fr", "UTC").marks([at, at + 86_400], 86_400)).toEqual(["4 mai", "5 mai"]);
  });
});
