# One file, a target an image: operator, gateway, worker, speech (the sandbox's own models), worker-full.
# BASE_IMAGE is any Debian with Python 3.11 or newer; the sandbox makes one where none can be pulled.
# Needs no BuildKit, so there are no mounts here.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# The base without what only installing needs: no pip, and no package manager. libgomp is llama.cpp's OpenMP.
FROM ${BASE_IMAGE} AS stripped
COPY tools/strip_base.sh /strip_base.sh
RUN STRIP_THIS_ROOT=1 sh /strip_base.sh && rm /strip_base.sh

# What every image is at run time. A copy, since what a layer takes away would still be in the layers below.
FROM scratch AS runtime
COPY --from=stripped / /
# A numeric user has no entry in passwd: programs that ask for its name or home find them here.
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp USER=voiceagent
# onnxruntime reports its use to its maker unless told not to.
ENV ORT_DISABLE_TELEMETRY=1
USER 65532:65532
WORKDIR /tmp

# What only builds need: uv to install what the locks say, hatchling to make wheels of the project's own packages,
# and what lists an image's packages. The locks have hashes, and only wheels are taken: nothing is compiled.
FROM ${BASE_IMAGE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY locks/tools.txt /src/locks/
RUN python3 -m venv /tools \
 && /tools/bin/pip install -q --require-hashes --no-deps --only-binary :all: -r /src/locks/tools.txt
RUN python3 -m venv --without-pip /venv
ENV UV_PYTHON=/venv/bin/python UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 \
    UV_REQUIRE_HASHES=1 UV_NO_BUILD=1 PATH=/tools/bin:$PATH
WORKDIR /src
# What the SBOM reads of Debian's packages.
COPY --from=runtime /var/lib/dpkg/status /runtime/var/lib/dpkg/status
COPY --from=runtime /usr/share/doc /runtime/usr/share/doc
COPY --from=runtime /usr/lib/os-release /runtime/etc/os-release
COPY tools/install_parts.sh tools/list_packages.sh /tools/bin/
COPY tools/sbom /tools/sbom

# Dependencies come in a layer of their own, so that a change of the project's code fetches nothing again.
FROM tools AS operator-build
COPY locks/operator.txt /src/locks/
RUN uv pip install -q --no-deps -r locks/operator.txt
COPY crds/ /src/crds/
COPY operator/ /src/operator/
RUN sh /tools/bin/install_parts.sh crds operator
ARG VERSION=0.2.0
ARG SOURCE_DATE_EPOCH
RUN sh /tools/bin/list_packages.sh operator

FROM runtime AS operator
COPY --from=operator-build /venv /venv
COPY --from=operator-build /sbom /usr/share/voiceagent
ARG VERSION=0.2.0
ARG REVISION
ENV VOICEAGENT_COMMIT=$REVISION
LABEL org.opencontainers.image.title="voiceagent-operator" \
      org.opencontainers.image.description="Reconciles VoiceAgents into worker pods and tells how they are." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENTRYPOINT ["python3", "-m", "voiceagent_operator"]

FROM tools AS gateway-build
COPY locks/gateway.txt /src/locks/
RUN uv pip install -q --no-deps -r locks/gateway.txt
COPY crds/ /src/crds/
COPY gateway/ /src/gateway/
RUN sh /tools/bin/install_parts.sh crds gateway
COPY client/package-lock.json /src/client/
ARG VERSION=0.2.0
ARG SOURCE_DATE_EPOCH
RUN sh /tools/bin/list_packages.sh gateway --npm-lock client/package-lock.json

FROM runtime AS gateway
COPY --from=gateway-build /venv /venv
COPY --from=gateway-build /sbom /usr/share/voiceagent
COPY client/dist /client
ARG VERSION=0.2.0
ARG REVISION
ENV GATEWAY_CLIENT_DIR=/client VOICEAGENT_COMMIT=$REVISION
LABEL org.opencontainers.image.title="voiceagent-gateway" \
      org.opencontainers.image.description="LiveKit tokens, metrics of all worker pods, the web client." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENTRYPOINT ["python3", "-m", "voiceagent_gateway"]

# The worker has the packages of the providers that need no library of their vendor's; worker-full has all.
FROM tools AS worker-build
COPY locks/worker.txt /src/locks/
RUN uv pip install -q --no-deps -r locks/worker.txt
COPY crds/ /src/crds/
COPY agent_image/ /src/agent_image/
RUN sh /tools/bin/install_parts.sh crds agent_image
ARG VERSION=0.2.0
ARG SOURCE_DATE_EPOCH
RUN sh /tools/bin/list_packages.sh worker

FROM runtime AS worker
COPY --from=worker-build /venv /venv
COPY --from=worker-build /sbom /usr/share/voiceagent
ARG VERSION=0.2.0
ARG REVISION
ENV VOICEAGENT_COMMIT=$REVISION
LABEL org.opencontainers.image.title="voiceagent-worker" \
      org.opencontainers.image.description="Joins LiveKit rooms and talks, as its agent's config file says." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENTRYPOINT ["python3", "-m", "voiceagent_worker"]

# The only image with piper-tts, which is under the GPL and runs as a program of its own.
FROM tools AS speech-build
COPY locks/speech.txt /src/locks/
RUN uv pip install -q --no-deps -r locks/speech.txt
COPY sandbox/speech/ /src/speech/
RUN sh /tools/bin/install_parts.sh speech
ARG VERSION=0.2.0
ARG SOURCE_DATE_EPOCH
RUN sh /tools/bin/list_packages.sh speech

FROM runtime AS speech
COPY --from=speech-build /venv /venv
COPY --from=speech-build /sbom /usr/share/voiceagent
ARG VERSION=0.2.0
ARG REVISION
ENV VOICEAGENT_COMMIT=$REVISION
LABEL org.opencontainers.image.title="voiceagent-speech" \
      org.opencontainers.image.description="The sandbox's small speech and language models; not a product." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENTRYPOINT ["python3", "-m", "voiceagent_speech"]

# Last, since Docker's older builder makes every stage before the one that is wanted, and the sandbox wants no such.
FROM tools AS worker-full-build
COPY locks/worker-full.txt /src/locks/
RUN uv pip install -q --no-deps -r locks/worker-full.txt
COPY crds/ /src/crds/
COPY agent_image/ /src/agent_image/
RUN sh /tools/bin/install_parts.sh crds agent_image
ARG VERSION=0.2.0
ARG SOURCE_DATE_EPOCH
RUN sh /tools/bin/list_packages.sh worker-full

FROM runtime AS worker-full
COPY --from=worker-full-build /venv /venv
COPY --from=worker-full-build /sbom /usr/share/voiceagent
ARG VERSION=0.2.0
ARG REVISION
ENV VOICEAGENT_COMMIT=$REVISION
LABEL org.opencontainers.image.title="voiceagent-worker-full" \
      org.opencontainers.image.description="The worker with the packages of all providers." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENTRYPOINT ["python3", "-m", "voiceagent_worker"]
