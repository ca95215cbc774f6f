/** The call page: holds what is known, and joins the gateway, a call, and the page's elements together. */

import { type Agent, agentId, GatewayError, listAgents, requestGrant } from "../shared/api.ts";
import { canBeKey, keyStore, withKey } from "../shared/credential.ts";
import { chooseLanguage } from "../shared/language.ts";
import { prefer, preference } from "../shared/preferences.ts";
import { Call, type CallEvents } from "./call.ts";
import { Devices } from "./devices.ts";
import type { Problem, Shown } from "./messages.ts";
import { microphoneProblem } from "./problems.ts";
import { revise, settle } from "./transcript.ts";
import { agentIs, agentSaid, callerSaid, NO_TURNS, type Turns } from "./turns.ts";
import { createView, type Model } from "./view.ts";
import { type Mode, Visualiser } from "./visualiser.ts";
import { en } from "./words/en.ts";
import { fr } from "./words/fr.ts";

const REFRESH_MILLISECONDS = 10_000;

const LANGUAGES = { en, fr };

const address = new URLSearchParams(location.search);
const wanted = address.get("agent");
const keys = keyStore(() => sessionStorage);
const ask = withKey((input, init) => fetch(input, init), keys);
let call: Call | null = null;
let turns: Turns = NO_TURNS;
let model: Model = {
  words: LANGUAGES[chooseLanguage([address.get("lang"), preference("language"), ...navigator.languages])],
  signIn: null,
  signedIn: keys.read() !== "",
  shown: { step: "loading" },
  agents: [],
  selected: wanted ?? "",
  fixed: wanted !== null,
  callProblem: null,
  listProblem: null,
  transcript: [],
  waits: {},
  muted: false,
  soundBlocked: false,
  startedAt: null,
};

document.body.classList.toggle("embedded", address.has("embedded"));

const view = createView({
  select: (selected) => {
    change({ selected, callProblem: null, shown: idle(selected, model.agents) });
  },
  speak: (wish) => {
    const language = chooseLanguage([wish]);
    prefer("language", language);
    change({ words: LANGUAGES[language] });
    devices.speak(LANGUAGES[language]);
  },
  signIn,
  signOut: () => {
    keys.forget();
    change({ agents: [], selected: wanted ?? "", shown: { step: "loading" }, signedIn: false, callProblem: null });
    void refreshAgents();
  },
  call: startCall,
  hangUp: () => call?.hangUp(),
  toggleMute: () => void call?.setMuted(!model.muted),
  allowSound: () => void call?.allowSound(),
  say: async (text) => (await call?.say(text)) ?? false,
});
const visualiser = new Visualiser(view.canvas);
const devices = new Devices(view.audio, model.words, {
  useMicrophone: async (id) => {
    const used = (await call?.useMicrophone(id)) ?? true;
    change({ callProblem: used ? null : { kind: "device-failed" } });
    return used;
  },
  failed: (error) => {
    change({ callProblem: call === null ? microphoneProblem(error) : { kind: "device-failed" } });
  },
});

change({});
void refreshAgents();
setInterval(() => {
  if (call === null && model.signIn === null && document.visibilityState === "visible") void refreshAgents();
}, REFRESH_MILLISECONDS);

function change(part: Partial<Model>): void {
  model = { ...model, ...part };
  view.render(model);
  visualiser.show(modeOf(model.shown, model.muted));
}

function startCall(): void {
  if (call !== null || model.selected === "") return;
  const agent = model.selected;
  turns = NO_TURNS;
  change({ callProblem: null, transcript: [], waits: {}, muted: false, soundBlocked: false, startedAt: null });
  call = new Call(events, {
    requestGrant: (signal) => requestGrant(agent, signal, ask),
    microphone: devices.microphone,
  });
  void call.start();
}

function signIn(key: string): void {
  if (!canBeKey(key)) {
    change({ signIn: "malformed" });
    return;
  }
  keys.write(key);
  void refreshAgents();
}

/** The gateway does not know who asks: a key that was given is not good, or not any more. */
function askWho(): void {
  const refused = keys.read() !== "";
  keys.forget();
  const again = model.signIn !== null && !refused ? model.signIn : refused ? "refused" : "asked";
  change({ signIn: again, signedIn: false, shown: { step: "signed-out" }, callProblem: null, listProblem: null });
}

const events: CallEvents = {
  phase: (shown) => {
    turns = agentIs(turns, shown.step === "live" && shown.agent === "speaking", performance.now());
    const inRoom = shown.step === "waiting" || shown.step === "live";
    change({ shown, waits: turns.byLine, startedAt: model.startedAt ?? (inRoom ? performance.now() : null) });
  },
  line: (line) => {
    const transcript = revise(model.transcript, line);
    if (transcript !== model.transcript) {
      const known = model.transcript.some(({ id, who }) => id === line.id && who === line.who);
      if (line.who === "you") turns = callerSaid(turns, line.id, performance.now());
      else if (!known) turns = agentSaid(turns, line.id);
    }
    change({ transcript, waits: turns.byLine });
  },
  trouble: (callProblem) => {
    change({ callProblem });
  },
  microphone: (track) => {
    visualiser.followCaller(track);
    devices.followCaller(track);
  },
  agentAudio: (track) => {
    track?.attach(view.audio);
    visualiser.followAgent(track?.mediaStreamTrack ?? null);
    devices.followAgent(track?.mediaStreamTrack ?? null);
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
    devices.followCaller(null);
    devices.followAgent(null);
    if (callProblem?.kind === "refused" && callProblem.status === 401) {
      askWho();
      return;
    }
    const shown = outcome(callProblem);
    change({ shown, callProblem, transcript: settle(model.transcript) });
    void refreshAgents();
  },
};

async function refreshAgents(): Promise<void> {
  try {
    const agents = await listAgents(undefined, ask);
    const known = agents.some((agent) => agentId(agent) === model.selected);
    const first = agents.find((agent) => agent.ready) ?? agents[0];
    // What the address names, or a call is with, stays chosen even where the list does not have it.
    const keep = known || model.fixed || call !== null;
    const selected = keep ? model.selected : first === undefined ? "" : agentId(first);
    change({
      agents,
      selected,
      shown: waiting(selected, agents),
      listProblem: listProblem(agents.length, known),
      signIn: null,
      signedIn: keys.read() !== "",
    });
  } catch (error) {
    const problem: Problem =
      error instanceof GatewayError ? error.failure : { kind: "unexpected", detail: String(error) };
    if (problem.kind === "refused" && problem.status === 401) {
      if (call === null) askWho();
      return;
    }
    change({ shown: waiting(model.selected, model.agents), listProblem: problem });
  }
}

/** Before a call the state says whether there is an agent to call; afterwards, how the call went. */
function waiting(selected: string, agents: readonly Agent[]): Shown {
  const { step } = model.shown;
  return step === "loading" || step === "signed-out" || step === "idle" ? idle(selected, agents) : model.shown;
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
    case "signed-out":
    case "idle":
    case "failed":
    case "ended":
      return "still";
  }
}
