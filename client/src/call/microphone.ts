/** The caller's microphone, opened as a call needs it. */

import { createLocalAudioTrack, type LocalAudioTrack } from "livekit-client";

import { microphoneProblem, ProblemError } from "./problems.ts";

/** `deviceId` "" is the one that the system has. Rejects with a ProblemError. */
export async function openMicrophone(deviceId: string): Promise<LocalAudioTrack> {
  if (!isSecureContext || !("mediaDevices" in navigator)) throw new ProblemError({ kind: "microphone-insecure" });
  try {
    return await createLocalAudioTrack({
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      // One that was unplugged since is no reason not to call.
      ...(deviceId === "" ? {} : { deviceId: { ideal: deviceId } }),
    });
  } catch (error) {
    throw new ProblemError(microphoneProblem(error));
  }
}
