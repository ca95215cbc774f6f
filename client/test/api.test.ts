import { describe, expect, test } from "vitest";

import { type Fetch, GatewayError, type GatewayFailure, listAgents, parseRetryAfter, requestGrant } from "../src/shared/api.ts";

const RECEPTIONIST = {
  namespace: "default",
  name: "receptionist",
  agentName: "default-receptionist",
  ready: true,
  readySummary: "1/1",
  message: "",
  language: "en",
};

function answers(body: unknown, init?: ResponseInit): Fetch {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return () => Promise.resolve(new Response(text, init));
}

async function failureOf(asked: Promise<unknown>): Promise<GatewayFailure> {
  const error: unknown = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GatewayError)) throw new Error(`expected a GatewayError, got ${String(error)}`);
  return error.failure;
}

describe("the list of agents", () => {
  test("may be a bare list or an object that holds one", async () => {
    expect(await listAgents(undefined, answers([RECEPTIONIST]))).toEqual([RECEPTIONIST]);
    expect(await listAgents(undefined, answers({ agents: [RECEPTIONIST] }))).toEqual([RECEPTIONIST]);
  });

  test("fills what an agent leaves out, and leaves out what is no agent", async () => {
    const agents = await listAgents(undefined, answers([{ namespace: "a", name: "b", message: null }, 3, { name: "c" }]));
    expect(agents).toEqual([
      { namespace: "a", name: "b", agentName: "a-b", ready: false, readySummary: "", message: "", language: "" },
    ]);
  });

  test("has no agent that is deleted and only finishes its calls", async () => {
    const gone = { ...RECEPTIONIST, name: "gone", deleted: true, draining: [{ revision: "r", pods: 1, sessions: 1 }] };
    expect(await listAgents(undefined, answers([gone, RECEPTIONIST]))).toEqual([RECEPTIONIST]);
  });

  test("is no list where a proxy answers with a page", async () => {
    expect(await failureOf(listAgents(undefined, answers("<html>")))).toEqual({ kind: "gateway-answer", status: 200 });
  });

  test("is unreachable where the network fails", async () => {
    const asked = listAgents(undefined, () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failureOf(asked)).toEqual({ kind: "gateway-unreachable" });
  });
});

describe("a token", () => {
  test("is asked for as LiveKit's standard endpoint wants it, naming the agent", async () => {
    const calls: { url: string; init: RequestInit | undefined }[] = [];
    const grant = await requestGrant("default/receptionist", undefined, (url, init) => {
      calls.push({ url, init });
      return answers({ server_url: "ws://localhost:8080", participant_token: "t" }, { status: 201 })(url);
    });
    expect(grant).toEqual({ serverUrl: "ws://localhost:8080", participantToken: "t" });
    expect(calls[0]?.url).toBe("/token?agent=default%2Freceptionist");
    expect(calls[0]?.init).toMatchObject({ method: "POST", body: "{}" });
  });

  test("refused with a problem carries its detail and when to try again", async () => {
    const problem = { type: "about:blank", title: "Not ready", status: 503, detail: "Receptionist is starting." };
    const refused = answers(problem, { status: 503, headers: { "Retry-After": "15" } });
    expect(await failureOf(requestGrant("a/b", undefined, refused))).toEqual({
      kind: "refused",
      status: 503,
      detail: "Receptionist is starting.",
      retryAfterSeconds: 15,
    });
  });

  test("refused names the gateway's problem", async () => {
    const problem = { type: "tag:voiceagents.dev,2026:problem/agent-full", status: 429, detail: "All places are taken." };
    const refused = answers(problem, { status: 429, headers: { "Retry-After": "10" } });
    expect(await failureOf(requestGrant("a/b", undefined, refused))).toMatchObject({ problem: "agent-full", status: 429 });
  });

  test("refused without a problem still says its status", async () => {
    expect(await failureOf(requestGrant("a/b", undefined, answers("Bad Gateway", { status: 502 })))).toEqual({
      kind: "refused",
      status: 502,
      detail: "",
      retryAfterSeconds: null,
    });
  });

  test("refused with a list of faults in place of a sentence shows none of it", async () => {
    const failure = await failureOf(requestGrant("a/b", undefined, answers({ detail: [{ loc: [] }] }, { status: 422 })));
    expect(failure).toMatchObject({ kind: "refused", detail: "" });
  });

  test("that is no token is a strange answer", async () => {
    const failure = await failureOf(requestGrant("a/b", undefined, answers({ token: 1 })));
    expect(failure).toEqual({ kind: "gateway-answer", status: 200 });
  });

  test("is not asked for any more once the caller hung up", async () => {
    const abort = new AbortController();
    const asked = requestGrant("a/b", abort.signal, (_, init) => {
      abort.abort();
      return Promise.reject(init?.signal?.reason as Error);
    });
    await expect(asked).rejects.toHaveProperty("name", "AbortError");
  });
});

describe("Retry-After", () => {
  const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");

  test.each([
    ["15", 15],
    [" 0 ", 0],
    ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
    ["Wed, 21 Oct 2026 07:27:30 GMT", 0],
    ["soon", null],
    [null, null],
  ])("%s is %s seconds", (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds);
  });
});
