# shellcheck shell=bash
# Shared by the scripts of this folder: messages, phases with their time, and becoming root.
# Sourced, never run.

set -euo pipefail

# Colour only where a person looks, and never when they asked for none.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' blue=$'\e[36m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' blue='' plain=''
fi
# shellcheck disable=SC2034  # not every script uses every one
readonly bold dim red green yellow blue plain

say() { printf '%s\n' "$*"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
heading() { printf '\n%s%s%s\n' "$bold$blue" "$*" "$plain"; }
warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 2
}

# The leading comment of a script is its help text.
print_help() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$1"; }

# as_root COMMAND...: as it is for root, through sudo for anyone else.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages: cannot install: you are not root and sudo is missing. Run this as root once."
  fi
}

seconds_since() { printf '%d s' $((SECONDS - $1)); }

# quietly TITLE LOG COMMAND...: one line on success, the end of the log on failure.
quietly() {
  local title=$1 log=$2 begin=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  [ ! -t 1 ] || printf '  %-44s ...' "$title"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ ! -t 1 ] || printf '\r'
  if [ "$status" -eq 0 ]; then
    printf '  %-44s %s\n' "$title" "$(seconds_since "$begin")"
  else
    printf '  %-44s %sfailed%s after %s\n' "$title" "$red" "$plain" "$(seconds_since "$begin")"
    tail -n 60 "$log" | sed 's/^/    /'
    say "    the whole log: $log"
  fi
  return "$status"
}

# Two compilers at once fit into 4 GB; more would swap on small machines.
build_jobs() {
  local cores
  cores=$(nproc)
  echo "${LAMINA_JOBS:-$((cores < 2 ? cores : 2))}"
}

# configure_and_build PRESET [CMAKE ARGUMENT...]
configure_and_build() {
  local preset=$1
  shift
  quietly "configure $preset" "build/logs/$preset-configure.log" cmake --preset "$preset" "$@" &&
    quietly "build $preset" "build/logs/$preset-build.log" \
      cmake --build --preset "$preset" --parallel "$(build_jobs)"
}
