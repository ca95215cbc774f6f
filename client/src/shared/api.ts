/**
 * What the page asks of the gateway: which agents there are, and a token to call one.
 *
 * `POST /token` is LiveKit's standard token endpoint. It is asked here and not by the SDK's
 * `TokenSource.endpoint`, which turns every refusal into one string and loses the gateway's reason
 * (`application/problem+json`) and its Retry-After: the caller is owed both.
 */

export interface Agent {
  readonly namespace: string;
  readonly name: string;
  readonly agentName: string;
  readonly ready: boolean;
  readonly readySummary: string;
  readonly message: string;
  readonly language: string;
}

/** Where to connect, and the right to. */
export interface Grant {
  readonly serverUrl: string;
  readonly participantToken: string;
}

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

export type GatewayFailure =
  | { readonly kind: "gateway-unreachable" }
  | { readonly kind: "gateway-answer"; readonly status: number }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly detail: string;
      readonly retryAfterSeconds: number | null;
      /** The gateway's name for the problem, for example agent-waking. */
      readonly problem?: string | undefined;
    };

export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(readonly failure: GatewayFailure) {
    super(failure.kind);
  }
}

/** NAMESPACE/NAME: how the gateway, and this page's own address, name an agent. */
export function agentId(agent: Pick<Agent, "namespace" | "name">): string {
  return `${agent.namespace}/${agent.name}`;
}

export async function listAgents(signal?: AbortSignal, fetch_: Fetch = fetch): Promise<Agent[]> {
  const { body, status } = await ask(fetch_, "/agents", { headers: { Accept: "application/json" } }, signal);
  const list = isRecord(body) ? body.agents : body;
  if (!Array.isArray(list)) throw new GatewayError({ kind: "gateway-answer", status });
  return list.map(toAgent).filter((agent) => agent !== null);
}

export async function requestGrant(agent: string, signal?: AbortSignal, fetch_: Fetch = fetch): Promise<Grant> {
  const { body, status } = await ask(
    fetch_,
    `/token?${new URLSearchParams({ agent }).toString()}`,
    {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: "{}",
    },
    signal,
    TOKEN_DEADLINE_MILLISECONDS,
  );
  const serverUrl = isRecord(body) ? (body.server_url ?? body.serverUrl) : null;
  const participantToken = isRecord(body) ? (body.participant_token ?? body.participantToken) : null;
  if (typeof serverUrl !== "string" || typeof participantToken !== "string") {
    throw new GatewayError({ kind: "gateway-answer", status });
  }
  return { serverUrl, participantToken };
}

/** Retry-After is a number of seconds or a date (RFC 9110). */
export function parseRetryAfter(value: string | null, nowMilliseconds: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - nowMilliseconds) / 1000));
}

const ANSWER_DEADLINE_MILLISECONDS = 15_000;
/** Longer: the gateway may wait for an agent that wakes up before it answers. */
const TOKEN_DEADLINE_MILLISECONDS = 30_000;
const PROBLEM_TYPE = /:problem\/([a-z-]+)$/;

async function ask(
  fetch_: Fetch,
  url: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  deadlineMilliseconds = ANSWER_DEADLINE_MILLISECONDS,
): Promise<{ body: unknown; status: number }> {
  const deadline = AbortSignal.timeout(deadlineMilliseconds);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch_(url, { ...init, signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
    body = parseJson(await response.text());
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new GatewayError({ kind: "gateway-unreachable" });
  }
  if (!response.ok) throw new GatewayError(refusal(response, body));
  return { body, status: response.status };
}

function refusal(response: Response, body: unknown): GatewayFailure {
  const problem = isRecord(body) ? body : {};
  const detail = [problem.detail, problem.title].find((text) => typeof text === "string" && text.trim() !== "");
  return {
    kind: "refused",
    status: response.status,
    detail: typeof detail === "string" ? detail.trim() : "",
    retryAfterSeconds: parseRetryAfter(response.headers.get("Retry-After"), Date.now()),
    problem: PROBLEM_TYPE.exec(text(problem.type))?.[1],
  };
}

function toAgent(value: unknown): Agent | null {
  if (!isRecord(value)) return null;
  const { namespace, name } = value;
  if (typeof namespace !== "string" || typeof name !== "string") return null;
  // It only finishes the calls that it has.
  if (value.deleted === true) return null;
  return {
    namespace,
    name,
    agentName: text(value.agentName) || `${namespace}-${name}`,
    ready: value.ready === true,
    readySummary: text(value.readySummary),
    message: text(value.message),
    language: text(value.language),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
