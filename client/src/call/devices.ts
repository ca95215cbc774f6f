/**
 * The panel of microphone and speaker: which are used, how loud they are, and a way to try both before a call.
 *
 * It measures only while it is open, and opens the microphone by itself only when the visitor asks to try it.
 */

import { element, setOptions } from "../shared/dom.ts";
import { prefer, preference } from "../shared/preferences.ts";
import { Meter } from "./meter.ts";
import type { Words } from "./words/words.ts";

export interface DeviceActions {
  /** Resolves to whether the microphone is in use now. */
  readonly useMicrophone: (id: string) => Promise<boolean>;
  readonly failed: (error: unknown) => void;
}

const TONES_HERTZ = [523.25, 659.25, 783.99];
const TONE_SECONDS = 0.22;

export class Devices {
  microphone = preference("microphone");
  readonly #actions: DeviceActions;
  readonly #audio: HTMLAudioElement;
  readonly #panel = element("devices", HTMLDetailsElement);
  readonly #microphones = element("microphone-select", HTMLSelectElement);
  readonly #speakers = element("speaker-select", HTMLSelectElement);
  readonly #microphoneLevel = element("microphone-level", HTMLMeterElement);
  readonly #speakerLevel = element("speaker-level", HTMLMeterElement);
  readonly #try = element("try-microphone", HTMLButtonElement);
  readonly #test = element("test-sound", HTMLButtonElement);
  #words: Words;
  #speaker = preference("speaker");
  #context: AudioContext | null = null;
  #ears: Meter | null = null;
  #mouth: Meter | null = null;
  #agentTrack: MediaStreamTrack | null = null;
  #callTrack: MediaStreamTrack | null = null;
  #tried: MediaStreamTrack | null = null;
  #tested: MediaStream | null = null;
  #frame = 0;

  constructor(audio: HTMLAudioElement, words: Words, actions: DeviceActions) {
    this.#audio = audio;
    this.#words = words;
    this.#actions = actions;
    // Where the browser lets nobody choose, the system's settings do.
    element("speaker-choice", HTMLDivElement).hidden = !("setSinkId" in HTMLMediaElement.prototype);
    this.#panel.addEventListener("toggle", () => {
      if (this.#panel.open) this.#open();
      else this.#close();
    });
    this.#microphones.addEventListener("change", () => void this.#chooseMicrophone(this.#microphones.value));
    this.#speakers.addEventListener("change", () => void this.#chooseSpeaker(this.#speakers.value));
    this.#try.addEventListener("click", () => void this.#tryMicrophone());
    this.#test.addEventListener("click", () => {
      this.#playTest();
    });
    if ("mediaDevices" in navigator) navigator.mediaDevices.addEventListener("devicechange", () => void this.#list());
    if (this.#speaker !== "") void this.#chooseSpeaker(this.#speaker);
  }

  speak(words: Words): void {
    this.#words = words;
    void this.#list();
  }

  /** The call's own microphone; null after it. */
  followCaller(track: MediaStreamTrack | null): void {
    this.#callTrack = track;
    this.#stopTrying();
    this.#try.hidden = track !== null;
    if (this.#panel.open) this.#open();
  }

  followAgent(track: MediaStreamTrack | null): void {
    this.#agentTrack = track;
    this.#test.hidden = track !== null;
    // Before the microphone was allowed the browser may have known no speakers.
    if (track !== null && this.#speaker !== "") void this.#chooseSpeaker(this.#speaker);
    if (this.#panel.open) this.#open();
  }

  #open(): void {
    void this.#list();
    this.#context ??= new AudioContext();
    void this.#context.resume().catch(() => undefined);
    this.#ears?.close();
    this.#mouth?.close();
    const heard = this.#callTrack ?? this.#tried;
    this.#ears = heard === null ? null : new Meter(this.#context, heard);
    this.#mouth = this.#agentTrack === null ? null : new Meter(this.#context, this.#agentTrack);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#show);
  }

  #close(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#stopTrying();
    this.#stopTest();
    this.#ears?.close();
    this.#mouth?.close();
    this.#ears = this.#mouth = null;
    void this.#context?.close().catch(() => undefined);
    this.#context = null;
  }

  readonly #show = (): void => {
    this.#microphoneLevel.value = this.#ears?.level() ?? 0;
    this.#speakerLevel.value = this.#mouth?.level() ?? 0;
    this.#frame = requestAnimationFrame(this.#show);
  };

  async #list(): Promise<void> {
    if (!("mediaDevices" in navigator)) return;
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const named = (kind: MediaDeviceKind): { value: string; label: string }[] => [
      { value: "", label: this.#words.standardDevice },
      // Browsers name devices only to pages that may use the microphone.
      ...devices
        .filter((one) => one.kind === kind && one.label !== "" && one.deviceId !== "default")
        .map(({ deviceId, label }) => ({ value: deviceId, label })),
    ];
    const [inputs, outputs] = [named("audioinput"), named("audiooutput")];
    setOptions(this.#microphones, inputs, inputs.some(({ value }) => value === this.microphone) ? this.microphone : "");
    setOptions(this.#speakers, outputs, outputs.some(({ value }) => value === this.#speaker) ? this.#speaker : "");
  }

  async #chooseMicrophone(id: string): Promise<void> {
    if (!(await this.#actions.useMicrophone(id))) {
      this.#microphones.value = this.microphone;
      return;
    }
    this.microphone = id;
    prefer("microphone", id);
    if (this.#tried !== null) await this.#tryMicrophone();
  }

  async #chooseSpeaker(id: string): Promise<void> {
    if (!("setSinkId" in this.#audio)) return;
    try {
      await this.#audio.setSinkId(id);
    } catch (error) {
      // Without the right to the microphone browsers know no speakers yet: the wish is kept.
      if (this.#panel.open) this.#actions.failed(error);
      this.#speakers.value = "";
      return;
    }
    this.#speaker = id;
    prefer("speaker", id);
  }

  async #tryMicrophone(): Promise<void> {
    this.#stopTrying();
    try {
      const audio = this.microphone === "" ? true : { deviceId: { ideal: this.microphone } };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const track = stream.getAudioTracks()[0] ?? null;
      if (!this.#panel.open || this.#callTrack !== null) {
        track?.stop();
        return;
      }
      this.#tried = track;
      this.#open();
    } catch (error) {
      this.#actions.failed(error);
    }
  }

  #stopTrying(): void {
    this.#tried?.stop();
    this.#tried = null;
  }

  #stopTest(): void {
    if (this.#tested !== null && this.#audio.srcObject === this.#tested) this.#audio.srcObject = null;
    this.#tested = null;
    if (this.#agentTrack === null) this.#mouth = null;
    this.#test.disabled = false;
  }

  /** Three notes, by the element that plays the agent's voice, so that they come out where it will. */
  #playTest(): void {
    const context = (this.#context ??= new AudioContext());
    const out = context.createMediaStreamDestination();
    const volume = context.createGain();
    volume.gain.value = 0.2;
    volume.connect(out);
    TONES_HERTZ.forEach((hertz, index) => {
      const tone = context.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(volume);
      tone.start(context.currentTime + index * TONE_SECONDS);
      tone.stop(context.currentTime + (index + 1) * TONE_SECONDS);
      if (index < TONES_HERTZ.length - 1) return;
      tone.addEventListener("ended", () => {
        this.#stopTest();
      });
    });
    this.#test.disabled = true;
    this.#tested = out.stream;
    this.#audio.srcObject = out.stream;
    void this.#audio.play().catch(() => undefined);
    this.#mouth = new Meter(context, volume);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#show);
  }
}
