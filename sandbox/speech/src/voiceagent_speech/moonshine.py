"""Moonshine base (English), run by onnxruntime from the model files that moonshine-cpp carries.

That package's own library is not used: it is compiled for the processor of the machine that built it, and
ends the process with an illegal instruction on one without AVX-512. Its files also keep their weights
quantized in a form that onnxruntime unpacks again for every token; written back as ONNX once at start, the
runtime folds them into plain weights, and transcribing takes a fifth of the time.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np

from .audio import RECOGNITION_RATE, Samples

MODEL_NAME = "moonshine-base-en"

_START, _END = 1, 2
_TOKENS_PER_SECOND = 6.5
_SHORTEST_SECONDS = 0.5
_HEADS, _HEAD_SIZE = 8, 52


class Moonshine:
    """The loaded model. `transcribe` blocks, releases the interpreter, and may run in several threads."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._encoder = _session(folder / "encoder_model.ort", threads)
        self._decoder = _session(folder / "decoder_model_merged.ort", threads)
        self._tokens = read_tokens((folder / "tokenizer.bin").read_bytes())
        self._past = [i.name for i in self._decoder.get_inputs() if i.name.startswith("past_key_values")]

    def transcribe(self, samples: Samples) -> str:
        shortest = int(_SHORTEST_SECONDS * RECOGNITION_RATE)
        if len(samples) < shortest:
            samples = np.pad(samples, (0, shortest - len(samples)))
        (hidden,) = self._encoder.run(None, {"input_values": samples[np.newaxis]})
        past = {name: np.zeros((1, _HEADS, 0, _HEAD_SIZE), np.float32) for name in self._past}
        token, written = _START, []
        for step in range(int(len(samples) / RECOGNITION_RATE * _TOKENS_PER_SECOND) + 2):
            inputs = {
                "input_ids": np.array([[token]], np.int64),
                "encoder_hidden_states": hidden,
                "use_cache_branch": np.array([step > 0]),
            }
            logits, *present = self._decoder.run(None, inputs | past)
            token = int(logits[0, -1].argmax())
            if token == _END:
                break
            written.append(token)
            for name, value in zip(self._past, present, strict=True):
                # What is kept of the encoder is made in the first step and stays as it is.
                if step == 0 or ".decoder." in name:
                    past[name] = value
        return text_from(self._tokens, written)


def model_folder() -> Path:
    """Where moonshine-cpp keeps its model, found without importing it (that would load its library)."""
    spec = importlib.util.find_spec("moonshine_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The package moonshine-cpp is missing.")
    return Path(next(iter(spec.submodule_search_locations))) / "models" / "base-en"


def read_tokens(data: bytes) -> list[bytes]:
    """The vocabulary: each token as its length (one byte, or two from 128 up) and its bytes."""
    tokens: list[bytes] = []
    at = 0
    while at < len(data):
        size = data[at]
        at += 1
        if size >= 128:
            size += data[at] * 128 - 128
            at += 1
        tokens.append(data[at : at + size])
        at += size
    return tokens


def text_from(tokens: list[bytes], written: list[int]) -> str:
    joined = b"".join(tokens[token] for token in written if token < len(tokens))
    return joined.decode(errors="ignore").replace("\u2581", " ").strip()


def _session(path: Path, threads: int) -> Any:
    # Read when the runtime is first imported: its official builds otherwise report their use to their maker.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    ort = importlib.import_module("onnxruntime")
    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(_as_onnx(ort, path), options, providers=["CPUExecutionProvider"])


def _as_onnx(ort: Any, path: Path) -> bytes:
    """A model in the runtime's own format as ONNX, by way of a file in memory."""
    onnx = importlib.import_module("onnx")
    file = os.memfd_create(path.name)
    try:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.optimized_model_filepath = f"/proc/self/fd/{file}"
        options.add_session_config_entry("session.save_model_format", "ONNX")
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        model = onnx.load(f"/proc/self/fd/{file}", format="protobuf")
    finally:
        os.close(file)
    _name_graphs(model.graph, "model")
    return bytes(model.SerializeToString())


def _name_graphs(graph: Any, name: str) -> None:
    # The runtime's format drops the names of inner graphs, and its ONNX reader insists on them.
    graph.name = graph.name or name
    for place, node in enumerate(graph.node):
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _name_graphs(attribute.g, f"{name}_{place}_{attribute.name}")
