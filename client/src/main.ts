/** The call page: holds what is known, and joins the gateway, a call, and the page's elements together. */

import { type Agent, agentId, GatewayError, listAgents, requestGrant } from "./api.ts";
import { Call, type CallEvents } from "./call.ts";
import type { Problem, Shown } from "./messages.ts";
import { revise, settle } from "./transcript.ts";
import { createView, type Model } from "./view.ts";
import { type Mode, Visualiser } from "./visualiser.ts";

const REFRESH_MILLISECONDS = 10_000;

const wanted = new URLSearchParams(location.search).get("agent");
let call: Call | null = null;
let model: Model = {
  shown: { step: "loading" },
  agents: [],
  selected: wanted ?? "",
  fixed: wanted !== null,
  callProblem: null,
  listProblem: null,
  transcript: [],
  muted: false,
  soundBlocked: false,
  startedAt: null,
};

const view = createView({
  select: (selected) => {
    change({ selected, callProblem: null, shown: idle(selected, model.agents) });
  },
  call: startCall,
  hangUp: () => call?.hangUp(),
  toggleMute: () => void call?.setMuted(!model.muted),
  allowSound: () => void call?.allowSound(),
  say: async (text) => (await call?.say(text)) ?? false,
});
const visualiser = new Visualiser(view.canvas);

change({});
void refreshAgents();
setInterval(() => {
  if (call === null && document.visibilityState === "visible") void refreshAgents();
}, REFRESH_MILLISECONDS);

function change(part: Partial<Model>): void {
  model = { ...model, ...part };
  view.render(model);
  visualiser.show(modeOf(model.shown, model.muted));
}

function startCall(): void {
  if (call !== null || model.selected === "") return;
  const agent = model.selected;
  change({ callProblem: null, transcript: [], muted: false, soundBlocked: false, startedAt: null });
  call = new Call(events, { requestGrant: (signal) => requestGrant(agent, signal) });
  void call.start();
}

const events: CallEvents = {
  phase: (shown) => {
    const inRoom = shown.step === "waiting" || shown.step === "live";
    change({ shown, startedAt: model.startedAt ?? (inRoom ? performance.now() : null) });
  },
  line: (line) => {
    change({ transcript: revise(model.transcript, line) });
  },
  trouble: (callProblem) => {
    change({ callProblem });
  },
  microphone: (track) => {
    visualiser.followCaller(track);
  },
  agentAudio: (track) => {
    track?.attach(view.audio);
    visualiser.followAgent(track?.mediaStreamTrack ?? null);
  },
  muted: (muted) => {
    change({ muted });
  },
  soundBlocked: (soundBlocked) => {
    change({ soundBlocked });
  },
  ended: (callProblem) => {
    call = null;
    view.audio.srcObject = null;
    visualiser.rest();
    const shown = outcome(callProblem);
    change({ shown, callProblem, transcript: settle(model.transcript) });
    void refreshAgents();
  },
};

async function refreshAgents(): Promise<void> {
  try {
    const agents = await listAgents();
    const known = agents.some((agent) => agentId(agent) === model.selected);
    const first = agents.find((agent) => agent.ready) ?? agents[0];
    // What the address names, or a call is with, stays chosen even where the list does not have it.
    const keep = known || model.fixed || call !== null;
    const selected = keep ? model.selected : first === undefined ? "" : agentId(first);
    change({ agents, selected, shown: waiting(selected, agents), listProblem: listProblem(agents.length, known) });
  } catch (error) {
    const problem: Problem =
      error instanceof GatewayError ? error.failure : { kind: "unexpected", detail: String(error) };
    change({ shown: waiting(model.selected, model.agents), listProblem: problem });
  }
}

/** Before a call the state says whether there is an agent to call; afterwards, how the call went. */
function waiting(selected: string, agents: readonly Agent[]): Shown {
  return model.shown.step === "loading" || model.shown.step === "idle" ? idle(selected, agents) : model.shown;
}

function idle(selected: string, agents: readonly Agent[]): Shown {
  if (selected === "") return { step: "idle", choice: "none" };
  const agent = agents.find((candidate) => agentId(candidate) === selected);
  return { step: "idle", choice: agent?.ready === false ? "unready" : "ready" };
}

function outcome(problem: Problem | null): Shown {
  if (model.startedAt !== null) return { step: "ended" };
  return problem !== null ? { step: "failed" } : idle(model.selected, model.agents);
}

function listProblem(count: number, known: boolean): Problem | null {
  if (model.fixed && !known) return { kind: "agent-unknown", agent: model.selected };
  return count === 0 ? { kind: "no-agents" } : null;
}

function modeOf(shown: Shown, muted: boolean): Mode {
  switch (shown.step) {
    case "live":
      if (shown.agent === "listening" || shown.agent === "idle") return muted ? "still" : "listening";
      return shown.agent === "initializing" ? "waiting" : shown.agent;
    case "microphone":
    case "connecting":
    case "queueing":
    case "waiting":
    case "reconnecting":
      return "waiting";
    case "loading":
    case "idle":
    case "failed":
    case "ended":
      return "still";
  }
}
