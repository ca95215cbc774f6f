/** What `GET /fleet` answers, as far as this page shows it, with the names that it has there. */

export type Severity = "critical" | "warning" | "info";
export type Health = "failing" | "degraded" | "healthy" | "idle" | "suspended" | "deleted";
export type PodState = "ready" | "starting" | "draining" | "unready";

export interface Attention {
  readonly severity: Severity;
  readonly namespace: string;
  readonly agent: string;
  readonly code: string;
  readonly message: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

export interface Pod {
  readonly name: string;
  readonly revision: string;
  readonly state: PodState;
  readonly sessions: number;
  readonly capacity: number;
  readonly stale: boolean;
  readonly error: string | null;
  readonly deadline: string | null;
}

export interface Draining {
  readonly revision: string;
  readonly pods: number;
  readonly sessions: number;
  readonly deadline: string | null;
}

export interface Revision {
  readonly revision: string;
  readonly current: boolean;
  readonly pods: number;
  readonly ready: number;
  readonly sessions: number;
}

export interface Live {
  readonly id: string;
  readonly room: string;
  readonly pod: string;
  readonly started_at: string;
  readonly turns: number;
  readonly e2e: number | null;
  readonly caller_words: number;
  readonly agent_words: number;
  /** Whether the words themselves can be asked for. */
  readonly transcript: boolean;
  readonly stale: boolean;
}

export interface Agent {
  readonly namespace: string;
  readonly name: string;
  readonly agent_name: string;
  readonly health: Health;
  readonly ready_summary: string;
  readonly sessions: number;
  readonly capacity: number;
  readonly conditions: readonly Condition[];
  readonly pods: readonly Pod[];
  readonly draining: readonly Draining[];
  readonly revisions: readonly Revision[];
  readonly latency: {
    readonly e2e_p50: number | null;
    readonly e2e_p95: number | null;
    readonly stt: number | null;
    readonly llm_ttft: number | null;
    readonly tts_ttfb: number | null;
    readonly turns: number;
  };
  readonly ended: Readonly<Record<string, number>>;
  readonly usage: {
    readonly cost: string | null;
    readonly currency: string | null;
    readonly unpriced: readonly string[];
    readonly budget_per_day: string | null;
    readonly on_exceeded: string | null;
  };
  readonly live: readonly Live[];
}

export interface Fleet {
  readonly sessions: number;
  readonly capacity: number;
  readonly cost: string | null;
  readonly currency: string | null;
  readonly attention: readonly Attention[];
  readonly agents: readonly Agent[];
}

/** The document; null for what is none. Its parts are those of the gateway that served this very page. */
export function parseFleet(text: string): Fleet | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const fleet = value as Partial<Fleet> | null;
  return Array.isArray(fleet?.agents) && Array.isArray(fleet.attention) ? (fleet as Fleet) : null;
}

/** Agents as they are listed: what needs attention first, then by name. */
export function inOrder(fleet: Fleet): Agent[] {
  return [...fleet.agents].sort(
    (a, b) => HEALTH_ORDER[a.health] - HEALTH_ORDER[b.health] || compare(idOf(a), idOf(b)),
  );
}

/** NAMESPACE/NAME, as the page's address has it. */
export function idOf(agent: { readonly namespace: string; readonly name: string }): string {
  return `${agent.namespace}/${agent.name}`;
}

/** The agent that the address names after its #, or null for the list. */
export function agentOf(hash: string): string | null {
  const found = /^#([a-z0-9-]+\/[a-z0-9.-]+)$/.exec(hash);
  return found?.[1] ?? null;
}

const HEALTH_ORDER: Readonly<Record<Health, number>> = {
  failing: 0,
  degraded: 1,
  deleted: 2,
  healthy: 3,
  idle: 4,
  suspended: 5,
};

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
