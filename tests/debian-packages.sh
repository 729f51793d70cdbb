#!/bin/sh
# Debian packages the tests use, installed when they are missing and we may install them:
# Chromium, for the tests that look at pages in a real browser; Groovy, which reads the Jenkinsfile.
set -eu

missing=
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v groovy >/dev/null 2>&1 || missing="$missing groovy"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of package names
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
echo "missing:$missing; tests that need them will be skipped" >&2
