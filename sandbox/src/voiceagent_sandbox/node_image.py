"""The kind node image, made on the machine from pinned Go modules and the distribution's packages."""

import json
import shutil
import time
from pathlib import Path

from voiceagent_sandbox import servers
from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.rootfs import NODE_ROOT, BaseImages
from voiceagent_sandbox.work_folder import work_folder

RECIPE = "1"
"""Raised when what follows makes another image of the same ingredients."""
PULLED_NODE_IMAGE = "kindest/node:v1.35.4"
NETWORK_TOOLS_SCRIPT = r"""
set -e
mkdir -p /stage/usr/bin /stage/usr/sbin /stage/usr/lib /stage/usr/lib64
for d in bin sbin lib lib64; do ln -s usr/$d /stage/$d; done
tools="/usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /usr/sbin/nft /usr/sbin/conntrack"
tools="$tools /usr/bin/kmod /usr/bin/dash"
links="$(ls -d /usr/sbin/ip*tables* /usr/sbin/xtables* /etc/alternatives/ip*tables*) /usr/sbin/modprobe /usr/bin/sh"
extensions=$(find /usr/lib -path '*/xtables/*.so')
libraries=$(for t in $tools $extensions; do ldd $t | grep -o '/[^ :]*' || true; done | sort -u)
for f in $tools $links $extensions $libraries $(for l in $libraries; do readlink -f $l; done); do
  cp -a --parents "$(readlink -f "$(dirname "$f")")/$(basename "$f")" /stage/
done
tar -C /stage -cf - .
"""
"""Gathers what kube-proxy calls (iptables, nft, conntrack, modprobe) with the libraries that they load."""
DOCKERFILE = r"""
ARG ROOT
FROM ${ROOT}
COPY kind-files/ /
COPY bin/ /usr/bin/
RUN chmod 755 /kind /kind/bin /kind/bin/* /usr/local/bin/* \
 && find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete \
 && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
      /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/sockets.target.wants/*udev* \
      /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/* \
 && echo ReadKMsg=no >> /etc/systemd/journald.conf \
 && ln -sf /lib/systemd/systemd /sbin/init \
 && ln -sf /usr/bin/containerd /usr/bin/ctr /usr/bin/containerd-shim-runc-v2 /usr/local/bin/ \
 && ln -sf /usr/sbin/runc /usr/local/sbin/runc \
 && mkdir -p /etc/kubernetes/manifests /opt/cni && ln -s /usr/lib/cni /opt/cni/bin \
 && ctr oci spec \
      | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
      > /etc/containerd/cri-base.json \
 && systemctl enable kubelet.service containerd.service undo-mount-hacks.service \
 && systemctl mask systemd-binfmt.service
ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
"""


class NodeImage:
    """Makes and names the image that kind's nodes run."""

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        env: dict[str, str],
        progress: Progress,
        built: servers.Servers,
        bases: BaseImages,
        go: str,
    ) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._progress = progress
        self._built = built
        self._bases = bases
        self._go = go

    def ensure(self) -> str:
        """The image that is here, else kind's own where it can be pulled, else one made here. Returns its name."""
        programs = [str(self._built.path(program).parent.name) for program in (*servers.NODE_PROGRAMS, servers.KIND)]
        made_here = (
            f"voiceagent-node:{content_hash([], RECIPE, DOCKERFILE, NETWORK_TOOLS_SCRIPT, NODE_ROOT, *programs)}"
        )
        if image := self._bases.have(made_here, PULLED_NODE_IMAGE):
            return image
        self._built.make((*servers.NODE_PROGRAMS, servers.KIND), self._progress)
        root = self._bases.node_root()
        with self._progress.step("Make the kind node image"):
            self._make(root, made_here)
        return made_here

    def _make(self, root: str, tag: str) -> None:
        unloaded = f"{tag}-unloaded"
        with work_folder(self._paths.cache, "node-", self._runner) as work:
            shutil.copytree(self._kind_files(), work / "kind-files")
            shutil.rmtree(work / "kind-files" / "LICENSES", ignore_errors=True)
            self._runner.run("chmod", "-R", "u+w", work / "kind-files")
            (work / "kind-files" / "kind" / "version").write_text(servers.KUBERNETES_VERSION)
            (work / "bin").mkdir()
            for name in ("kubelet", "kubeadm", "kubectl"):
                shutil.copy(self._built.bin / name, work / "bin" / name)
            self._build(work, DOCKERFILE, unloaded, "--build-arg", f"ROOT={root}")
            names = self._control_plane_images(root, work)
            self._preload(unloaded, names, tag)
            # They are in the node image now; outside of it their names would pass for the public ones.
            self._runner.succeeds("docker", "rmi", *names, unloaded, env=self._env)

    def _kind_files(self) -> Path:
        module = self._paths.repo / "sandbox" / "servers" / "kind"
        said = self._runner.run(self._go, "list", "-m", "-json", "sigs.k8s.io/kind", cwd=module, env={"GOWORK": "off"})
        return Path(json.loads(said)["Dir"]) / "images" / "base" / "files"

    def _build(self, context: Path, dockerfile: str, tag: str, *more: str) -> None:
        (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        self._runner.run("docker", "build", "--pull=false", "--force-rm", "-t", tag, *more, context, env=self._env)

    def _control_plane_images(self, root: str, work: Path) -> list[str]:
        """Images of one binary each, under the names that kubeadm and containerd ask for."""
        listed = self._runner.run(
            self._built.bin / "kubeadm",
            "config",
            "images",
            "list",
            "--kubernetes-version",
            servers.KUBERNETES_VERSION,
        ).split()
        config = (self._kind_files() / "etc/containerd/config.toml").read_text(encoding="utf-8")
        sandbox = next(line.split('"')[1] for line in config.splitlines() if "sandbox_image" in line)
        tools = work / "tools.tar"
        self._network_tools(root, tools)
        names = sorted({*listed, sandbox})
        for name in names:
            program = name.rsplit("/", 1)[-1].split(":")[0]
            context = work / f"image-{program}-{name.rsplit(':', 1)[-1]}"
            context.mkdir()
            lines = ["FROM scratch", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
            if program == "pause":
                self._copy_from_image(root, "/usr/bin/catatonit", context / "pause")
                lines += ["COPY pause /pause", 'ENTRYPOINT ["/pause", "-P"]']
            else:
                shutil.copy(self._built.bin / program, context / program)
                if program == "kube-proxy":
                    shutil.copy(tools, context / "tools.tar")
                    lines += ["ADD tools.tar /"]
                lines += [f"COPY {program} /usr/local/bin/{program}"]
                lines += [f'ENTRYPOINT ["/usr/local/bin/{program}"]'] if program == "coredns" else []
            self._build(context, "\n".join(lines) + "\n", name)
        return names

    def _network_tools(self, root: str, archive: Path) -> None:
        """A tar of iptables, nft, conntrack and kmod with the libraries that they load: what kube-proxy calls."""
        container = self._runner.run("docker", "create", root, "sh", "-c", NETWORK_TOOLS_SCRIPT, env=self._env).strip()
        try:
            self._runner.run("sh", "-c", f"docker start -a {container} > {archive}", env=self._env)
        finally:
            self._runner.succeeds("docker", "rm", "-f", container, env=self._env)

    def _copy_from_image(self, image: str, file: str, target: Path) -> None:
        container = self._runner.run("docker", "create", image, "true", env=self._env).strip()
        try:
            self._runner.run("docker", "cp", f"{container}:{file}", target, env=self._env)
        finally:
            self._runner.succeeds("docker", "rm", "-f", container, env=self._env)

    def _preload(self, unloaded: str, names: list[str], tag: str) -> None:
        """Import the images into the node image's own containerd, as kind's image build does."""
        container = self._runner.run(
            *(
                "docker",
                "run",
                "-d",
                "--privileged",
                "--network=none",
                "--entrypoint=sleep",
                unloaded,
                "infinity",
            ),
            env=self._env,
        ).strip()
        try:
            self._runner.run("docker", "exec", "-d", container, "containerd", env=self._env)
            for _ in range(60):
                if self._runner.succeeds("docker", "exec", container, "ctr", "version", env=self._env):
                    break
                time.sleep(0.5)
            else:
                raise SandboxError("containerd did not start inside the node image.")
            self._runner.run(
                "sh",
                "-c",
                f"docker save {' '.join(names)} | docker exec -i {container} ctr -n k8s.io images import --no-unpack "
                "--all-platforms --digests -",
                env=self._env,
            )
            self._runner.run("docker", "exec", container, "pkill", "-TERM", "containerd", env=self._env)
            time.sleep(1)
            entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
            self._runner.run(
                "docker",
                "commit",
                "--change",
                entrypoint,
                "--change",
                "CMD []",
                container,
                tag,
                env=self._env,
            )
        finally:
            self._runner.succeeds("docker", "rm", "-f", container, env=self._env)
