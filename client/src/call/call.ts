/**
 * One call, from the caller's click to its end: microphone, token, room, agent.
 *
 * It knows LiveKit and no page: what happens is told through `CallEvents`. A `Call` is made for one call and
 * thrown away; `ended` is told exactly once, whatever happens and however often `hangUp` is called.
 */

import {
  ConnectionState,
  type LocalAudioTrack,
  type Participant,
  type RemoteParticipant,
  type RemoteTrack,
  Room,
  RoomEvent,
  type TextStreamReader,
  TokenSource,
  Track,
  TrackEvent,
} from "livekit-client";

import type { Grant } from "../shared/api.ts";
import type { AgentState, Phase, Problem } from "./messages.ts";
import { openMicrophone } from "./microphone.ts";
import { patiently } from "./patience.ts";
import { disconnectProblem, microphoneProblem, ProblemError, publishProblem, toProblem } from "./problems.ts";
import type { Line } from "./transcript.ts";

export interface CallEvents {
  phase(phase: Phase): void;
  /** A line of the transcript is new or has changed. */
  line(line: Line): void;
  /** Something the caller should know that does not end the call; null: it is over. */
  trouble(problem: Problem | null): void;
  microphone(track: MediaStreamTrack): void;
  agentAudio(track: RemoteTrack | null): void;
  muted(muted: boolean): void;
  /** The browser lets no sound out before the caller presses something. */
  soundBlocked(blocked: boolean): void;
  /** `problem` is null where one of the two sides simply hung up. */
  ended(problem: Problem | null): void;
}

export interface CallOptions {
  readonly requestGrant: (signal: AbortSignal) => Promise<Grant>;
  /** The chosen microphone's id; "": the one that the system has. */
  readonly microphone?: string;
  /** How long the room may be without the agent, at the start or after it went away. */
  readonly agentDeadlineSeconds?: number;
}

const AGENT_STATE_ATTRIBUTE = "lk.agent.state";
const TRANSCRIPTION_TOPIC = "lk.transcription";
const CHAT_TOPIC = "lk.chat";
const AGENT_STATES: readonly string[] = ["initializing", "idle", "listening", "thinking", "speaking"];

export class Call {
  readonly #events: CallEvents;
  readonly #options: Required<CallOptions>;
  readonly #room = new Room({ disconnectOnPageLeave: true });
  readonly #abort = new AbortController();
  #microphone: LocalAudioTrack | null = null;
  #agentTimer: ReturnType<typeof setTimeout> | undefined;
  #agentSeen = false;
  #joined = false;
  #reconnecting = false;
  #wantsMuted = false;
  #over = false;
  #streams = 0;

  constructor(events: CallEvents, options: CallOptions) {
    this.#events = events;
    this.#options = { agentDeadlineSeconds: 20, microphone: "", ...options };
  }

  /** Settles when the caller is in the room or the call has ended; never rejects. */
  async start(): Promise<void> {
    this.#listen();
    try {
      await this.#join();
    } catch (error) {
      this.#end(toProblem(error));
    }
  }

  hangUp(): void {
    this.#end(null);
  }

  async setMuted(muted: boolean): Promise<void> {
    this.#wantsMuted = muted;
    try {
      await (muted ? this.#microphone?.mute() : this.#microphone?.unmute());
    } catch (error) {
      this.#events.trouble(microphoneProblem(error));
    }
  }

  /** Goes on with another microphone; false where it cannot be used, and the one before stays. */
  async useMicrophone(id: string): Promise<boolean> {
    try {
      return (await this.#microphone?.setDeviceId(id === "" ? "default" : { exact: id })) ?? true;
    } catch {
      return false;
    }
  }

  /** True when the message is on its way. */
  async say(text: string): Promise<boolean> {
    try {
      const { id } = await this.#room.localParticipant.sendText(text, { topic: CHAT_TOPIC });
      this.#events.line({ id, who: "you", text, final: true, stream: ++this.#streams });
      return true;
    } catch {
      this.#events.trouble({ kind: "message-not-sent" });
      return false;
    }
  }

  /** To be called from a click: only then do browsers allow sound. */
  async allowSound(): Promise<void> {
    await this.#room.startAudio().catch(() => undefined);
    this.#events.soundBlocked(!this.#room.canPlaybackAudio);
  }

  async #join(): Promise<void> {
    // The microphone comes first: no agent is sent for while the caller cannot speak.
    this.#events.phase({ step: "microphone" });
    const microphone = await openMicrophone(this.#options.microphone);
    if (this.#over) {
      microphone.stop();
      return;
    }
    this.#microphone = microphone;
    microphone.on(TrackEvent.Restarted, this.#microphoneChanged);
    this.#microphoneChanged();
    this.#events.phase({ step: "connecting" });
    // One for this call: what it keeps in store is never the token of another room.
    const tokens = TokenSource.custom(() => this.#options.requestGrant(this.#abort.signal));
    const grant = await patiently(() => tokens.fetch({}), {
      signal: this.#abort.signal,
      tell: (wait) => {
        if (!this.#over) this.#events.phase({ step: "queueing", wait });
      },
    });
    if (this.#isOver()) return;
    await this.#room.connect(grant.serverUrl, grant.participantToken);
    if (this.#isOver()) return;
    this.#joined = true;
    this.#update();
    try {
      await this.#room.localParticipant.publishTrack(microphone, { source: Track.Source.Microphone });
    } catch (error) {
      throw new ProblemError(publishProblem(error));
    }
  }

  #listen(): void {
    const room = this.#room;
    room
      .on(RoomEvent.ParticipantConnected, this.#update)
      .on(RoomEvent.ParticipantDisconnected, this.#update)
      .on(RoomEvent.ParticipantAttributesChanged, this.#update)
      .on(RoomEvent.Reconnecting, this.#interrupted)
      .on(RoomEvent.SignalReconnecting, this.#interrupted)
      .on(RoomEvent.Reconnected, this.#restored)
      .on(RoomEvent.TrackSubscribed, this.#trackArrived)
      .on(RoomEvent.TrackUnsubscribed, this.#trackWent)
      .on(RoomEvent.TrackMuted, this.#muteChanged)
      .on(RoomEvent.TrackUnmuted, this.#muteChanged)
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        this.#events.soundBlocked(!room.canPlaybackAudio);
      })
      .on(RoomEvent.Disconnected, (reason) => {
        // While joining, `connect` itself fails, and says why in more detail.
        if (this.#joined) this.#end(disconnectProblem(reason));
      });
    room.registerTextStreamHandler(TRANSCRIPTION_TOPIC, (reader, { identity }) => {
      void this.#read(reader, identity);
    });
  }

  /** Says where the call is, as the room is now, and keeps the agent's deadline. */
  readonly #update = (): void => {
    if (this.#over || this.#reconnecting || this.#room.state !== ConnectionState.Connected) return;
    const agent = this.#agent();
    if (agent === undefined) {
      this.#events.phase({ step: "waiting" });
      this.#agentTimer ??= setTimeout(this.#agentMissing, this.#options.agentDeadlineSeconds * 1000);
      return;
    }
    this.#agentSeen = true;
    this.#stopAgentTimer();
    this.#events.phase({ step: "live", agent: agentState(agent) });
  };

  readonly #agentMissing = (): void => {
    const seconds = this.#options.agentDeadlineSeconds;
    this.#end(this.#agentSeen ? { kind: "agent-left" } : { kind: "agent-absent", seconds });
  };

  readonly #interrupted = (): void => {
    if (this.#over) return;
    this.#reconnecting = true;
    this.#stopAgentTimer();
    this.#events.phase({ step: "reconnecting" });
  };

  readonly #restored = (): void => {
    this.#reconnecting = false;
    this.#update();
  };

  readonly #trackArrived = (track: RemoteTrack, _: unknown, participant: RemoteParticipant): void => {
    if (track.kind === Track.Kind.Audio && isAgent(participant)) this.#events.agentAudio(track);
  };

  readonly #trackWent = (track: RemoteTrack, _: unknown, participant: RemoteParticipant): void => {
    if (track.kind === Track.Kind.Audio && isAgent(participant)) this.#events.agentAudio(null);
  };

  readonly #microphoneChanged = (): void => {
    if (this.#microphone !== null) this.#events.microphone(this.#microphone.mediaStreamTrack);
  };

  readonly #muteChanged = (_: unknown, participant: Participant): void => {
    if (this.#over || !participant.isLocal || this.#microphone === null) return;
    const muted = this.#microphone.isMuted;
    this.#events.muted(muted);
    // A device that went away with none to take its place is muted by LiveKit, not by the caller.
    this.#events.trouble(muted && !this.#wantsMuted ? { kind: "microphone-lost" } : null);
  };

  async #read(reader: TextStreamReader, identity: string): Promise<void> {
    const stream = ++this.#streams;
    const { attributes = {}, id: streamId } = reader.info;
    const who = this.#isCaller(identity, attributes["lk.transcribed_track_id"]) ? "you" : "agent";
    const id = attributes["lk.segment_id"] ?? streamId;
    let text = "";
    const tell = (final: boolean): void => {
      if (!this.#over) this.#events.line({ id, who, text, final, stream });
    };
    try {
      for await (const piece of reader) {
        text += piece;
        tell(false);
      }
    } catch {
      // The sender went away in the middle: what was said stays, and nothing more will come.
      tell(true);
      return;
    }
    // Read again: a stream that grew says only at its end that it is final.
    tell(reader.info.attributes?.["lk.transcription_final"] === "true");
  }

  #isCaller(identity: string, trackSid: string | undefined): boolean {
    const caller = this.#room.localParticipant;
    return identity === caller.identity || (trackSid !== undefined && caller.trackPublications.has(trackSid));
  }

  #agent(): RemoteParticipant | undefined {
    return [...this.#room.remoteParticipants.values()].find(isAgent);
  }

  #stopAgentTimer(): void {
    clearTimeout(this.#agentTimer);
    this.#agentTimer = undefined;
  }

  /** For after an await, where the compiler still believes in what it knew before. */
  #isOver(): boolean {
    return this.#over;
  }

  #end(problem: Problem | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#stopAgentTimer();
    this.#microphone?.stop();
    this.#room.disconnect().catch(() => undefined);
    this.#events.ended(problem);
  }
}

function isAgent(participant: Participant): boolean {
  return participant.isAgent || AGENT_STATE_ATTRIBUTE in participant.attributes;
}

function agentState(agent: Participant): AgentState {
  const state = agent.attributes[AGENT_STATE_ATTRIBUTE] ?? "";
  return isAgentState(state) ? state : "initializing";
}

function isAgentState(state: string): state is AgentState {
  return AGENT_STATES.includes(state);
}
