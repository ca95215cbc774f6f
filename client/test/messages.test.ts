import { describe, expect, test } from "vitest";

import { announcement, describe as describeState, explain, hint, type Problem, stateName } from "../src/messages.ts";

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
  { kind: "unexpected", detail: "" },
  { kind: "unexpected", detail: "x is not a function" },
];

describe("a problem", () => {
  test.each(PROBLEMS)("$kind $status says what is wrong and what to do, in sentences", (problem) => {
    const { what, todo } = explain(problem);
    expect(what).toMatch(/^[A-Z].*[.!?]$/);
    expect(todo).toMatch(/^[A-Z].*[.!?]$/);
    expect(what + todo).not.toMatch(/undefined|null|\[object/);
  });

  test("that the gateway explains is told in the gateway's words", () => {
    const { what } = explain({ kind: "refused", status: 403, detail: "Your key may not use it", retryAfterSeconds: null });
    expect(what).toBe("Your key may not use it.");
  });

  test.each([
    [0, "Try again now."],
    [1, "Try again in 1 second."],
    [15, "Try again in 15 seconds."],
    [120, "Try again in 2 minutes."],
  ])("that passes in %d s says when to try again", (retryAfterSeconds, todo) => {
    expect(explain({ kind: "refused", status: 503, detail: "Starting.", retryAfterSeconds }).todo).toBe(todo);
  });
});

describe("a state", () => {
  test("is named after what the agent does while the call is live", () => {
    expect(stateName({ step: "live", agent: "thinking" })).toBe("thinking");
    expect(stateName({ step: "reconnecting" })).toBe("reconnecting");
  });

  test("is told in words", () => {
    expect(describeState({ step: "idle", choice: "unready" })).toBe("The agent is not ready");
    expect(describeState({ step: "live", agent: "listening" })).toBe("Listening");
    expect(describeState({ step: "reconnecting" })).toBe("Connection lost, reconnecting…");
  });

  test("tells a caller who waits for a place why, and when it is tried again", () => {
    const wait = { problem: "agent-waking", detail: "Pod a-1 is starting.", seconds: 5 };
    expect(describeState({ step: "queueing", wait })).toBe("The agent is waking up…");
    expect(hint({ step: "queueing", wait }, false)).toBe("Trying again in 5 s. Pod a-1 is starting.");
    const full = { ...wait, problem: "agent-full" };
    expect(describeState({ step: "queueing", wait: full })).toBe("All lines are busy…");
    expect(hint({ step: "queueing", wait: full }, false)).toBe("Trying again in 5 s.");
    expect(hint({ step: "queueing", wait: { ...full, seconds: 0 } }, false)).toBe("Trying again now.");
  });

  test("says in the gateway's words what the page has none for", () => {
    const wait = { problem: "livekit-credentials", detail: "A Secret is missing", seconds: 5 };
    expect(describeState({ step: "queueing", wait })).toBe("The agent is not ready yet…");
    expect(hint({ step: "queueing", wait }, false)).toBe("Trying again in 5 s. A Secret is missing.");
  });

  test("is not read out at each turn of the talk", () => {
    const [thinking, speaking] = (["thinking", "speaking"] as const).map((agent) =>
      announcement({ step: "live", agent }),
    );
    expect(thinking).toBe(speaking);
    expect(announcement({ step: "ended" })).toBe("Call ended");
  });

  test("reminds a muted caller that nobody hears them", () => {
    expect(hint({ step: "live", agent: "listening" }, true)).toContain("Muted");
    expect(hint({ step: "ended" }, true)).toBe("");
  });
});
