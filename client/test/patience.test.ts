import { describe, expect, test } from "vitest";

import { GatewayError, type GatewayFailure, type Grant } from "../src/shared/api.ts";
import { patiently, type Wait } from "../src/call/patience.ts";

const GRANT: Grant = { serverUrl: "ws://localhost:8080", participantToken: "t" };

function refused(status: number, retryAfterSeconds: number | null, problem?: string): GatewayFailure {
  return { kind: "refused", status, detail: "Pod a-1 is starting.", retryAfterSeconds, problem };
}

/** A gateway that refuses in these ways, one after the other, and then grants. */
function gateway(...failures: GatewayFailure[]): { ask: () => Promise<Grant>; asked: () => number } {
  let count = 0;
  return {
    ask: () => {
      const failure = failures[count++];
      return failure === undefined ? Promise.resolve(GRANT) : Promise.reject(new GatewayError(failure));
    },
    asked: () => count,
  };
}

function patience(limitSeconds?: number): { tell: (wait: Wait) => void; told: Wait[]; slept: () => number } & {
  signal: AbortSignal;
  sleep: () => Promise<void>;
  limitSeconds?: number;
} {
  const told: Wait[] = [];
  let seconds = 0;
  return {
    told,
    tell: (wait) => told.push(wait),
    slept: () => seconds,
    sleep: () => {
      seconds++;
      return Promise.resolve();
    },
    signal: new AbortController().signal,
    ...(limitSeconds === undefined ? {} : { limitSeconds }),
  };
}

describe("a token that is refused for now", () => {
  test.each([503, 429])("with %d is asked for again when the gateway says", async (status) => {
    const { ask, asked } = gateway(refused(status, 3), refused(status, 2));
    const waiting = patience();
    expect(await patiently(ask, waiting)).toEqual(GRANT);
    expect(asked()).toBe(3);
    expect(waiting.slept()).toBe(5);
  });

  test("is counted down to the caller, with the gateway's reason", async () => {
    const { ask } = gateway(refused(503, 2, "agent-waking"));
    const waiting = patience();
    await patiently(ask, waiting);
    expect(waiting.told.map(({ seconds }) => seconds)).toEqual([2, 1, 0]);
    expect(waiting.told[0]).toMatchObject({ problem: "agent-waking", detail: "Pod a-1 is starting." });
  });

  test("at once is asked for again after a second", async () => {
    const waiting = patience();
    await patiently(gateway(refused(503, 0)).ask, waiting);
    expect(waiting.slept()).toBe(1);
  });

  test("is not asked for any more when the time is over, and the last refusal is told", async () => {
    const { ask, asked } = gateway(refused(503, 5), refused(503, 5), refused(429, 5));
    const waiting = patience(10);
    await expect(patiently(ask, waiting)).rejects.toMatchObject({ failure: { status: 429 } });
    expect(asked()).toBe(3);
    expect(waiting.slept()).toBe(10);
  });

  test("stops at once when the caller hangs up", async () => {
    const abort = new AbortController();
    const { ask, asked } = gateway(refused(503, 60));
    const tell = (): void => {
      abort.abort();
    };
    await expect(patiently(ask, { signal: abort.signal, tell })).rejects.toHaveProperty("name", "AbortError");
    expect(asked()).toBe(1);
  });
});

describe("a token that is refused for good", () => {
  test.each([
    refused(409, null),
    refused(404, 5),
    refused(503, null),
    { kind: "gateway-unreachable" } satisfies GatewayFailure,
  ])("%o is not asked for again", async (failure) => {
    const { ask, asked } = gateway(failure);
    await expect(patiently(ask, patience())).rejects.toBeInstanceOf(GatewayError);
    expect(asked()).toBe(1);
  });
});
