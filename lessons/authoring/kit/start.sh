#!/bin/sh
# Linux and macOS: sh start.sh; see README.md. Finds a Python that the kit was made for; start.py does the rest.
cd "$(dirname "$0")" || exit 1
for python in python3.13 python3.12 python3.11 python3 python; do
  if "$python" start.py --suits >/dev/null 2>&1; then
    exec "$python" start.py "$@"
  fi
done
echo "This kit needs Python in one of the versions that README.md names, and found none on this machine." >&2
exit 1
