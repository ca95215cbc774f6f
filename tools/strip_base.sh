#!/bin/sh
# Takes out of a Debian root with Python what a running image has no use for. dpkg's list of packages stays true,
# since the SBOM is made from it.
set -eu
test -n "${STRIP_THIS_ROOT:-}" || { echo "This strips the root that it runs in; it is for the build of images." >&2; exit 1; }

# llama.cpp's OpenMP; slim images lack it
ldconfig -p | grep -q libgomp.so.1 \
 || { apt-get update -q && apt-get install -qy --no-install-recommends libgomp1; }

# the public authorities and those that the base has in /usr/local/share, and none that were only there for the build
if command -v update-ca-certificates >/dev/null; then update-ca-certificates --fresh >/dev/null 2>&1; fi

# the standard library runs from bytecode: the root is read-only later, and each start would compile it anew
for library in /usr/local/lib/python3.* /usr/lib/python3.*; do
    test -e "$library/os.py" || continue
    rm -rf "$library/ensurepip" "$library/idlelib" "$library/tkinter" "$library/test" "$library/lib2to3"
    python3 -m compileall -q -x 'site-packages|dist-packages' --invalidation-mode unchecked-hash "$library"
done

unneeded=
for package in python3-pip python3-pip-whl python3-setuptools python3-setuptools-whl python3-pkg-resources \
    python3-wheel python3-venv python3.11-venv python3-distutils python3-lib2to3 \
    apt gpgv debian-archive-keyring adduser logsave e2fsprogs mount login passwd; do
    if dpkg -s "$package" >/dev/null 2>&1; then unneeded="$unneeded $package"; fi
done
# shellcheck disable=SC2086
dpkg --purge --force-depends --force-remove-essential --force-remove-protected $unneeded >/dev/null 2>&1

# pip as Python's own images bring it, beside Debian's packages
for library in /usr/local/lib/python3.*/site-packages /usr/lib/python3/dist-packages; do
    for name in pip setuptools wheel pkg_resources _distutils_hack; do
        rm -rf "$library/$name" "$library/$name"-*.dist-info
    done
    rm -f "$library/distutils-precedence.pth"
done
rm -rf /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/bin/idle* /usr/local/bin/2to3* /usr/share/python-wheels \
    /var/lib/apt /var/cache/* /var/log/* /etc/apt /etc/pip.conf /root/.cache /usr/share/man /usr/share/locale
find /usr/share/doc -type f ! -name copyright -delete
# nobody becomes somebody else in these images
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
