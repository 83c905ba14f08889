#!/bin/sh
# plux's index of plugins is written in place, and an empty one counts as whole: the plugins are gone, in silence and for good.
#
# Version: plux==1.14.0, by which LocalStack finds its parts
# Expected: the cache in ~/.cache is put there whole, as by a rename, or one that is not whole is made anew.
# Behaviour: what a program leaves that is killed between opening the file and writing it, or what another one reads at that
#   moment, is an environment without a single entry point. It stays so until a file of the environment changes. Two
#   programs that start first in a new environment at once, such as two LocalStacks, can meet so.
# Seen on 2026-11-30, CPython 3.11.7:
#   without an index: found
#   with an index: found
#   with the index of a program that was killed: none
#   once more: none
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq plux==1.14.0
export XDG_CACHE_HOME="$dir/cache"
cat >look.py <<'PYTHON'
from plux.runtime.cache import EntryPointsCache

groups = EntryPointsCache.instance().get_entry_points()
print("found" if "console_scripts" in groups else "none" if not groups else "others")
PYTHON
look() {
  printf '%s: ' "$1"
  timeout 60 venv/bin/python look.py
}
seen=$(
  look "without an index"
  look "with an index"
  for index in cache/plux/*.entry_points.txt; do : >"$index"; done
  look "with the index of a program that was killed"
  look "once more"
)
echo "$seen"
[ "$seen" = 'without an index: found
with an index: found
with the index of a program that was killed: none
once more: none' ]
