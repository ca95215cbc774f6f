#!/bin/sh
# Takes out of a Debian root with Python what a running image has no use for; run by the image's build, and by nobody
# on a machine. dpkg's list of packages stays true, since the SBOM is made from it.
set -eu
test -f /.dockerenv || test -n "${STRIP_THIS_ROOT:-}" || { echo "This would strip your machine." >&2; exit 1; }

# llama.cpp's OpenMP; slim images lack it
ldconfig -p | grep -q libgomp.so.1 \
 || { apt-get update -q && apt-get install -qy --no-install-recommends libgomp1; }

unneeded=
for package in python3-pip python3-pip-whl python3-setuptools python3-setuptools-whl python3-pkg-resources \
    python3-wheel python3-venv python3.11-venv python3-distutils python3-lib2to3 \
    apt gpgv debian-archive-keyring adduser logsave e2fsprogs mount login passwd; do
    if dpkg -s "$package" >/dev/null 2>&1; then unneeded="$unneeded $package"; fi
done
dpkg --purge --force-depends --force-remove-essential --force-remove-protected $unneeded >/dev/null 2>&1

# pip as Python's own images bring it, beside Debian's packages
for library in /usr/local/lib/python3* /usr/lib/python3*; do
    rm -rf "$library"/ensurepip "$library"/idlelib "$library"/tkinter "$library"/test "$library"/lib2to3
    for name in pip setuptools wheel pkg_resources _distutils_hack; do
        rm -rf "$library/site-packages/$name" "$library/site-packages/$name"-*.dist-info \
            "$library/dist-packages/$name" "$library/dist-packages/$name"-*.dist-info
    done
    rm -f "$library"/site-packages/distutils-precedence.pth
done
rm -rf /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/bin/idle* /usr/local/bin/2to3* /usr/share/python-wheels \
    /var/lib/apt /var/cache /var/log /etc/apt /etc/pip.conf /root/.cache /tmp/* /usr/share/man /usr/share/locale
find /usr/share/doc -mindepth 1 ! -type d ! -name copyright -delete
find / -xdev -name __pycache__ -path '*/python3*' -prune -exec rm -rf {} +
# nobody becomes somebody else in these images
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
mkdir -p /var/cache /var/log
