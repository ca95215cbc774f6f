"""A robot that calls a voice agent as a person would: it joins, listens, speaks, and measures the answer."""

from voiceagent_caller.audio import Clip, read_wav
from voiceagent_caller.call import Call, Reply
from voiceagent_caller.conversation import CallHooks, make_call
from voiceagent_caller.errors import CallerMistake, CallFailed
from voiceagent_caller.microphone import Spoken
from voiceagent_caller.options import CallOptions, Utterance
from voiceagent_caller.report import CallReport, Greeting, Turn, render_transcript
from voiceagent_caller.speech import Speech
from voiceagent_caller.wer import word_error_rate

__all__ = [
    "Call",
    "CallFailed",
    "CallHooks",
    "CallOptions",
    "CallReport",
    "CallerMistake",
    "Clip",
    "Greeting",
    "Reply",
    "Speech",
    "Spoken",
    "Turn",
    "Utterance",
    "make_call",
    "read_wav",
    "render_transcript",
    "word_error_rate",
]
