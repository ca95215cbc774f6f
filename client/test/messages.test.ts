import { describe, expect, test } from "vitest";

import {
  announcement,
  describe as describeState,
  explain,
  hint,
  type Problem,
  seconds,
  stateName,
} from "../src/call/messages.ts";
import { en } from "../src/call/words/en.ts";
import { fr } from "../src/call/words/fr.ts";

const PROBLEMS: Problem[] = [
  { kind: "gateway-unreachable" },
  { kind: "gateway-answer", status: 200 },
  ...[400, 401, 403, 404, 409, 422, 429, 500, 502, 503].flatMap((status): Problem[] => [
    { kind: "refused", status, detail: "", retryAfterSeconds: null },
    { kind: "refused", status, detail: "The budget for today is used up", retryAfterSeconds: 30 },
  ]),
  { kind: "no-agents" },
  { kind: "agent-unknown", agent: "default/nobody" },
  { kind: "microphone-denied" },
  { kind: "microphone-missing" },
  { kind: "microphone-busy" },
  { kind: "microphone-insecure" },
  { kind: "microphone-failed" },
  { kind: "microphone-lost" },
  { kind: "media-unreachable" },
  { kind: "media-refused" },
  { kind: "agent-absent", seconds: 20 },
  { kind: "agent-left" },
  { kind: "agent-failed" },
  { kind: "connection-lost" },
  { kind: "server-stopped" },
  { kind: "joined-elsewhere" },
  { kind: "removed" },
  { kind: "message-not-sent" },
  { kind: "device-failed" },
  { kind: "unexpected", detail: "" },
  { kind: "unexpected", detail: "x is not a function" },
];

describe.each([en, fr])("a problem in $tag", (words) => {
  test.each(PROBLEMS)("$kind $status says what is wrong and what to do, in sentences", (problem) => {
    const { what, todo } = explain(problem, words);
    expect(what).toMatch(/^\p{Lu}.*[.!?]$/u);
    expect(todo).toMatch(/^\p{Lu}.*[.!?]$/u);
    expect(what + todo).not.toMatch(/undefined|null|\[object/);
  });

});

describe("a problem that the gateway explains", () => {
  const refused: Problem = { kind: "refused", status: 403, detail: "Your key may not use it", retryAfterSeconds: null };

  test("is told in the gateway's words, which are English", () => {
    expect(explain(refused, en).what).toBe("Your key may not use it.");
  });

  test("is told in the page's language elsewhere, with the gateway's words below", () => {
    expect(explain(refused, fr)).toMatchObject({
      what: "Vous ne pouvez pas appeler cet agent.",
      said: "Your key may not use it.",
    });
  });

  test.each([
    [0, "Try again now."],
    [1, "Try again in 1 second."],
    [15, "Try again in 15 seconds."],
    [120, "Try again in 2 minutes."],
  ])("and that passes in %d s says when to try again", (retryAfterSeconds, todo) => {
    expect(explain({ kind: "refused", status: 503, detail: "Starting.", retryAfterSeconds }, en).todo).toBe(todo);
  });

  test("has a name, for which the page has words of its own where the gateway has none", () => {
    const full: Problem = { kind: "refused", status: 429, detail: "", retryAfterSeconds: null, problem: "agent-full" };
    expect(explain(full, en).what).toBe("All lines of this agent are busy.");
  });
});

test("a wait is told as each language writes numbers", () => {
  expect(seconds(1240, en)).toBe("1.2\u00a0s");
  expect(seconds(1240, fr)).toBe("1,2\u00a0s");
});

describe("a state", () => {
  test("is named after what the agent does while the call is live", () => {
    expect(stateName({ step: "live", agent: "thinking" })).toBe("thinking");
    expect(stateName({ step: "reconnecting" })).toBe("reconnecting");
  });

  test("is told in words", () => {
    expect(describeState({ step: "idle", choice: "unready" }, en)).toBe("The agent is not ready");
    expect(describeState({ step: "live", agent: "listening" }, en)).toBe("Listening");
    expect(describeState({ step: "reconnecting" }, en)).toBe("Connection lost, reconnecting…");
  });

  test("tells a caller who waits for a place why, and when it is tried again", () => {
    const wait = { problem: "agent-waking", detail: "Pod a-1 is starting.", seconds: 5 };
    expect(describeState({ step: "queueing", wait }, en)).toBe("The agent is waking up…");
    expect(hint({ step: "queueing", wait }, false, en)).toBe("Trying again in 5 s. Pod a-1 is starting.");
    const full = { ...wait, problem: "agent-full" };
    expect(describeState({ step: "queueing", wait: full }, en)).toBe("All lines are busy…");
    expect(hint({ step: "queueing", wait: full }, false, en)).toBe("Trying again in 5 s.");
    expect(hint({ step: "queueing", wait: { ...full, seconds: 0 } }, false, en)).toBe("Trying again now.");
  });

  test("says in the gateway's words what the page has none for", () => {
    const wait = { problem: "livekit-credentials", detail: "A Secret is missing", seconds: 5 };
    expect(describeState({ step: "queueing", wait }, en)).toBe("The agent is not ready yet…");
    expect(hint({ step: "queueing", wait }, false, en)).toBe("Trying again in 5 s. A Secret is missing.");
  });

  test("is not read out at each turn of the talk", () => {
    const [thinking, speaking] = (["thinking", "speaking"] as const).map((agent) =>
      announcement({ step: "live", agent }, en),
    );
    expect(thinking).toBe(speaking);
    expect(announcement({ step: "ended" }, en)).toBe("Call ended");
  });

  test("reminds a muted caller that nobody hears them", () => {
    expect(hint({ step: "live", agent: "listening" }, true, en)).toContain("Muted");
    expect(hint({ step: "ended" }, true, en)).toBe("");
  });
});
