#!/usr/bin/env bash
# The base images of this project, made from Debian's and Python's package registries, for a machine that reaches
# no container registry; see README.md beside this file.
#
#   base-images.sh [up]     install and start a container engine where none answers, then make the images
#   base-images.sh images   make the images that are missing or outdated (an engine must answer)
#   base-images.sh names    print the images' names
#   base-images.sh down     stop the engine that `up` started
# shellcheck disable=SC2016 # formats and hooks in single quotes are for others to expand
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# The names stand where they are used: these files work unchanged with the published images.
PYTHON_IMAGE=${PYTHON_IMAGE:-$(sed -n 's/^ARG PYTHON_IMAGE=//p' "$ROOT/Dockerfile")}
LOCALSTACK_IMAGE=${LOCALSTACK_IMAGE:-$(sed -n "s/.*image: .{LOCALSTACK_IMAGE:-\(.*\)}.*/\1/p" "$ROOT/docker-compose.yml")}
SUITE=trixie # Debian 13: Python 3.13, Compose 2.26
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
TRUST_STORE=/etc/ssl/certs/ca-certificates.crt # goes into the images: builds and services trust what this machine trusts
CACHE=${CACHE:-/var/cache/base-images}
PIDFILE=/run/base-images-engine.pid
LOG=/var/log/base-images-engine.log
LABEL=base-images.version # of what an image was made from; an image without it was made elsewhere and is left alone

say() { printf 'base-images: %s\n' "$*"; }
fail() { printf 'base-images: %s\n' "$*" >&2; exit 1; }
engine_answers() { docker info >/dev/null 2>&1; }

# --- the engine -------------------------------------------------------------------------------------------------

install_packages() {
  [ "$(id -u)" = 0 ] || fail "installing $* needs root: run this script as root"
  say "installing $*"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>"$CACHE/apt.log" || { cat "$CACHE/apt.log" >&2; exit 1; }
}

# Where this machine's apt fetches Debian from.
mirror() {
  local site
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
  [ -n "$site" ] || fail "apt knows no Debian mirror: check /etc/apt/sources.list.d and run apt-get update"
  echo "$site"
}

source_line() { echo "deb [signed-by=$KEYRING] $(mirror) $SUITE main"; }

# Debian 12 has Compose v1 and no buildx: the next suite's are static programs that run here as well.
install_plugins() {
  local apt=$CACHE/apt plugins=/usr/local/lib/docker/cli-plugins options deb
  say "installing Compose v2 and buildx from Debian's $SUITE"
  mkdir -p "$apt/lists/partial" "$apt/debs/partial" "$plugins"
  source_line >"$apt/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache::archives=$apt/debs" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$apt/debs" && apt-get "${options[@]}" download docker-compose docker-buildx)
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$apt/unpacked"; done
  cp "$apt"/unpacked/usr/libexec/docker/cli-plugins/* "$plugins/"
}

install_engine() {
  command -v dockerd >/dev/null || install_packages docker.io
  command -v docker >/dev/null || install_packages docker-cli # its own package from Debian 13 on
  if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then install_plugins; fi
}

start_engine() {
  engine_answers && return
  say "starting the engine (log: $LOG)"
  setsid dockerd >"$LOG" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$PIDFILE"
  for _ in $(seq 60); do
    engine_answers && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  tail -5 "$LOG" >&2
  fail "the engine does not start: the lines above are the end of $LOG"
}

stop_engine() {
  [ -f "$PIDFILE" ] || { say "no engine was started by this script"; return; }
  local pid
  pid=$(cat "$PIDFILE")
  say "stopping the engine"
  kill "$pid" 2>/dev/null || true
  timeout 30 tail --pid="$pid" -f /dev/null
  rm -f "$PIDFILE"
}

# --- the images -------------------------------------------------------------------------------------------------

# version FILE… → one word that changes whenever one of the files does
version() { cat "$@" | sha256sum | cut -c1-12; }

# up_to_date IMAGE VERSION: it exists, and was made from just this or was not made here.
up_to_date() {
  local made_from
  made_from=$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$1" 2>/dev/null) || return 1
  [ -z "$made_from" ] || [ "$made_from" = "$2" ]
}

make_python_image() {
  local made_from tar
  made_from=$(version "${BASH_SOURCE[0]}" "$TRUST_STORE")
  up_to_date "$PYTHON_IMAGE" "$made_from" && { say "$PYTHON_IMAGE is there"; return; }
  command -v mmdebstrap >/dev/null || install_packages mmdebstrap
  say "making $PYTHON_IMAGE from Debian's packages (about 20 s)"
  tar=$(mktemp --suffix=.tar)
  mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    --customize-hook='ln -s python3 "$1/usr/bin/python"; rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED' \
    --customize-hook="copy-in $TRUST_STORE /etc/ssl/certs" \
    "$SUITE" "$tar" "$(source_line)"
  docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' --change 'ENV LANG=C.UTF-8' \
    --change "ENV SSL_CERT_FILE=$TRUST_STORE" --change "ENV PIP_CERT=$TRUST_STORE" \
    --change "LABEL $LABEL=$made_from" --change 'CMD ["python3"]' "$tar" "$PYTHON_IMAGE" >/dev/null
  rm -f "$tar"
}

make_localstack_image() {
  local made_from recipe=$HERE/localstack.Dockerfile
  made_from=$(version "$recipe" "$ROOT/requirements/localstack.txt" "$TRUST_STORE")
  up_to_date "$LOCALSTACK_IMAGE" "$made_from" && { say "$LOCALSTACK_IMAGE is there"; return; }
  say "making $LOCALSTACK_IMAGE from its Python package (about 1 min)"
  DOCKER_BUILDKIT=1 docker build --quiet --file "$recipe" --build-arg PYTHON_IMAGE="$PYTHON_IMAGE" \
    --label "$LABEL=$made_from" --tag "$LOCALSTACK_IMAGE" "$ROOT/requirements" >/dev/null
}

make_images() {
  engine_answers || fail "no container engine answers: start it, or run \`$0 up\` as root"
  mkdir -p "$CACHE"
  make_python_image
  make_localstack_image
}

case ${1:-up} in
  up) mkdir -p "$CACHE"; install_engine; start_engine; make_images ;;
  images) make_images ;;
  names) printf '%s\n' "$PYTHON_IMAGE" "$LOCALSTACK_IMAGE" ;;
  down) stop_engine ;;
  *) sed -n '5,8s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
