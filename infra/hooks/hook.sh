#!/bin/sh
# Runs one of the Python programs beside this file: `sh infra/hooks/hook.sh check_settings`.
# azd runs this on Linux and macOS, hook.ps1 on Windows; the logic is in Python, once.
set -eu

cd "$(dirname "$0")/../.."

for python in .venv/bin/python python3.13 python3 python; do
  if command -v "$python" >/dev/null 2>&1 &&
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
    exec "$python" -m "infra.hooks.$1"
  fi
done

echo "Python 3.13 or newer is needed to deploy, and none was found as python3.13, python3 or python." >&2
exit 1
