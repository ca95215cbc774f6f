import type { Words } from "./words.ts";

const TELL_OTHERS = "If it stays so, tell whoever runs this service.";

export const en: Words = {
  tag: "en",
  texts: {
    title: "Call a voice agent",
    agent: "Agent",
    call: "Call",
    callAgain: "Call again",
    hangUp: "Hang up",
    mute: "Mute",
    turnOnSound: "Turn on sound",
    transcript: "Transcript",
    transcriptEmpty: "What you and the agent say will appear here.",
    message: "Message to the agent",
    messageHint: "Type instead of speaking",
    send: "Send",
    devices: "Microphone and speaker",
    microphone: "Microphone",
    microphoneLevel: "Microphone level",
    speaker: "Speaker",
    speakerLevel: "Speaker level",
    testSound: "Play a test sound",
    tryMicrophone: "Try the microphone",
    signInTitle: "Sign in",
    signInWhy: "This service asks who is calling. The key stays in this tab and is forgotten when you close it.",
    key: "API key",
    signIn: "Sign in",
    signOut: "Sign out",
    language: "Language",
  },
  steps: {
    loading: "Loading…",
    "signed-out": "Sign in to call",
    microphone: "Asking for your microphone…",
    connecting: "Connecting…",
    waiting: "Waiting for the agent…",
    reconnecting: "Connection lost, reconnecting…",
    failed: "The call was not made",
    ended: "Call ended",
  },
  choices: {
    ready: "Ready to call",
    unready: "The agent is not ready",
    none: "No agent to call",
  },
  agentStates: {
    initializing: "The agent is getting ready…",
    idle: "The agent is idle",
    listening: "Listening",
    thinking: "Thinking…",
    speaking: "Speaking",
  },
  waits: {
    "agent-waking": "The agent is waking up…",
    "agent-growing": "All lines are busy, another is being opened…",
    "agent-full": "All lines are busy…",
    "too-many-waiting": "Many callers are waiting…",
  },
  waitsOtherwise: "The agent is not ready yet…",
  onTheLine: "The agent is on the line.",
  allowHint: "Your browser may ask you to allow it.",
  mutedHint: "Muted: the agent cannot hear you.",
  you: "You",
  anAgent: "Agent",
  looking: "Looking for agents…",
  noAgents: "No agents",
  notReady: "not ready",
  notReadyYet: "Not ready yet.",
  ready: "Ready",
  standardDevice: "As the system has it",
  keyMalformed: "A key has neither spaces nor accents. Copy it again, from va_ to its last character.",
  keyRefused: "The service does not accept this key. Check that it is complete, or ask for a new one.",
  nextTry: (seconds) => (seconds === 0 ? "Trying again now." : `Trying again in ${seconds} s.`),
  tryAgainIn: (seconds) => (seconds === 0 ? "Try again now." : `Try again in ${inWords(seconds)}.`),
  speaks: (language) => `Ready, speaks ${language}`,
  answeredIn: (seconds) => `answered in ${seconds}`,
  problems: {
    "gateway-unreachable": () => ({
      what: "The server does not answer.",
      todo: `Check your network connection, then try again. ${TELL_OTHERS}`,
    }),
    "gateway-answer": ({ status }) => ({
      what: `The server sent an answer that this page does not understand (HTTP ${status}).`,
      todo: `Reload the page. ${TELL_OTHERS}`,
    }),
    "no-agents": () => ({
      what: "There is no agent to call yet.",
      todo: "Agents appear here as soon as a VoiceAgent is applied in the cluster. The page keeps looking.",
    }),
    "agent-unknown": ({ agent }) => ({
      what: `There is no agent ${agent} here.`,
      todo: "Check the link that you followed, or open this page without it to choose among all agents.",
    }),
    "microphone-denied": () => ({
      what: "The browser was not allowed to use your microphone.",
      todo: "Allow the microphone in the site settings beside the address bar, then call again.",
    }),
    "microphone-missing": () => ({
      what: "No microphone was found.",
      todo: "Plug one in or switch it on, then call again.",
    }),
    "microphone-busy": () => ({
      what: "Your microphone is in use or does not start.",
      todo: "Close other programs or tabs that use it, then call again.",
    }),
    "microphone-insecure": () => ({
      what: "The browser gives no microphone to this page, because its address is not secure.",
      todo: "Open the page at an https:// address, or at http://localhost.",
    }),
    "microphone-failed": () => ({
      what: "Your microphone could not be started.",
      todo: "Choose another microphone below or in your system's settings, then call again.",
    }),
    "microphone-lost": () => ({
      what: "Your microphone stopped: the agent does not hear you.",
      todo: "Reconnect it and unmute, or type your message.",
    }),
    "media-unreachable": () => ({
      what: "The call could not be set up: the media server was not reached.",
      todo: "Check your network, firewall or VPN, then call again.",
    }),
    "media-refused": () => ({
      what: "The media server did not accept the call.",
      todo: "Call again. If it stays so, tell whoever runs this service: its LiveKit key may not match.",
    }),
    "agent-absent": ({ seconds }) => ({
      what: `The agent did not join within ${seconds} seconds.`,
      todo: "It may be busy or just starting. Call again in a moment, or choose another agent.",
    }),
    "agent-left": () => ({ what: "The agent left the call and did not come back.", todo: "Call again to go on." }),
    "agent-failed": () => ({ what: "The agent failed during the call.", todo: `Call again. ${TELL_OTHERS}` }),
    "connection-lost": () => ({
      what: "The connection was lost and could not be restored.",
      todo: "Check your network connection, then call again.",
    }),
    "server-stopped": () => ({
      what: "The media server was shut down during the call.",
      todo: "Wait a moment, then call again.",
    }),
    "joined-elsewhere": () => ({
      what: "This call was taken over by another window with the same identity.",
      todo: "Go on there, or close it and call again.",
    }),
    removed: () => ({
      what: "The service ended the call.",
      todo: "It may have reached its longest duration. Call again if you need to.",
    }),
    "message-not-sent": () => ({ what: "Your message was not sent.", todo: "It is still in the box: try again." }),
    "device-failed": () => ({
      what: "This device could not be used.",
      todo: "Choose another one; the one before stays in use.",
    }),
    unexpected: ({ detail }) => ({
      what: `Something went wrong${detail === "" ? "." : `: ${/[.!?…]$/.test(detail) ? detail : `${detail}.`}`}`,
      todo: "Reload the page and call again.",
    }),
  },
  refusals: {
    "agent-full": { what: "All lines of this agent are busy.", todo: "Try again in a few minutes." },
    "too-many-waiting": { what: "Too many callers are waiting.", todo: "Try again in a few minutes." },
    "origin-not-allowed": {
      what: "The site that shows this page may not make calls here.",
      todo: "Ask whoever runs this service to allow that site.",
    },
  },
  refusalsByStatus: {
    401: { what: "The service asks who you are.", todo: "Sign in, then call again." },
    403: {
      what: "You may not call this agent.",
      todo: "Choose another agent, or ask whoever runs this service for access.",
    },
    404: { what: "This agent is no longer there.", todo: "Choose another agent." },
    409: { what: "This agent takes no calls at present.", todo: "Choose another agent, or try again later." },
    429: { what: "There were too many calls from here.", todo: "Wait a minute, then try again." },
    503: { what: "The agent is not ready.", todo: "Try again in a moment, or choose another agent." },
  },
  refused: (status) => ({
    what: `The server answered with an error (HTTP ${status}).`,
    todo: status >= 500 ? `Try again. ${TELL_OTHERS}` : `Reload the page and try again. ${TELL_OTHERS}`,
  }),
};

function inWords(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
