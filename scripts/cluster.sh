#!/usr/bin/env bash
# Three nodes of the site behind nginx, with a PostgreSQL and a Redis of their own, all on free loopback ports.
#   scripts/cluster.sh up      publishes the site, starts everything, and says where it is
#   scripts/cluster.sh status  what runs, and each node's readiness
#   scripts/cluster.sh down    stops everything and deletes its data
# NODES=5 changes the number of nodes. Settings of the site go through the environment: Sessions__AccessTokenLifetime=00:00:10
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

nodes=${NODES:-3}
state=${TMPDIR:-/tmp}/webapp-cluster-$(id -u)

fail() {
  echo "cluster.sh: $*" >&2
  exit 1
}

port_after() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    port=$((port + 1))
  done
  echo "$port"
}

find_program() {
  local found
  found=$(command -v "$1" || compgen -G "/usr/lib/postgresql/*/bin/$1" | sort -V | tail -n 1 || true)
  if [ -z "$found" ] && [ -x "/usr/sbin/$1" ]; then
    found=/usr/sbin/$1
  fi

  [ -n "$found" ] || fail "please install $2: $1 is missing."
  echo "$found"
}

# Starts a program in the background, apart from this shell, and remembers its process id.
start() {
  local name=$1
  shift
  setsid "$@" >"$state/$name.log" 2>&1 </dev/null &
  echo $! >"$state/$name.pid"
}

# Waits until a command succeeds, or fails with the program's log.
await() {
  local name=$1
  shift
  for _ in $(seq 1 300); do
    if "$@" >/dev/null 2>&1; then
      return
    fi

    kill -0 "$(cat "$state/$name.pid")" 2>/dev/null || break
    sleep 0.2
  done
  cat "$state/$name.log" >&2
  fail "$name did not start."
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid postgres --regid postgres --clear-groups "$@"
  else
    "$@"
  fi
}

up() {
  [ ! -e "$state" ] || fail "it is up already, or was not taken down: run scripts/cluster.sh down."
  local initdb postgres psql redis nginx
  initdb=$(find_program initdb postgresql)
  postgres=$(find_program postgres postgresql)
  psql=$(find_program psql postgresql-client)
  redis=$(find_program redis-server redis-server)
  nginx=$(find_program nginx nginx)
  command -v curl >/dev/null || fail "please install curl."

  mkdir -m 711 "$state"
  mkdir "$state/postgres" "$state/site"
  dotnet publish WebApp -c Release -o "$state/site" --nologo -v quiet

  local user database redis_port site_port
  user=$(id -un)
  if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    chown postgres "$state/postgres"
  fi

  database=$(port_after 15432)
  as_postgres "$initdb" -D "$state/postgres/data" -U "$user" -A trust -E UTF8 --locale=C >"$state/initdb.log"
  (
    cd "$state/postgres"
    if [ "$(id -u)" -eq 0 ]; then
      start postgres setpriv --reuid postgres --regid postgres --clear-groups \
        "$postgres" -D data -h 127.0.0.1 -p "$database" -k "$state/postgres"
    else
      start postgres "$postgres" -D data -h 127.0.0.1 -p "$database" -k "$state/postgres"
    fi
  )
  await postgres "$psql" -h 127.0.0.1 -p "$database" -U "$user" -d postgres -c 'SELECT 1'
  "$psql" -h 127.0.0.1 -p "$database" -U "$user" -d postgres -qc 'CREATE DATABASE webapp'

  redis_port=$(port_after 16379)
  start redis "$redis" --bind 127.0.0.1 --port "$redis_port" --dir "$state" --save '' --appendonly no
  await redis bash -c "exec 3<>/dev/tcp/127.0.0.1/$redis_port"

  # The lab fires at all of them.
  local upstream='' number address port=18081 lab=()
  for number in $(seq 1 "$nodes"); do
    port=$(port_after "$port")
    address=127.0.0.1:$port
    upstream="$upstream server $address max_fails=1 fail_timeout=1s;"
    lab+=("Lab__Nodes__$((number - 1))=http://$address")
    echo "$address" >"$state/node$number.address"
    port=$((port + 1))
  done
  for number in $(seq 1 "$nodes"); do
    (
      cd "$state/site"
      export ASPNETCORE_ENVIRONMENT=Development ASPNETCORE_URLS="http://$(cat "$state/node$number.address")"
      export ConnectionStrings__Database="Host=127.0.0.1;Port=$database;Database=webapp;Username=$user"
      export ConnectionStrings__Redis="127.0.0.1:$redis_port"
      export "${lab[@]}"
      start "node$number" dotnet WebApp.dll
    )
  done
  for number in $(seq 1 "$nodes"); do
    await "node$number" curl -fs "http://$(cat "$state/node$number.address")/healthz/ready"
  done

  site_port=$(port_after 18080)
  write_nginx "$site_port" "$upstream" >"$state/nginx.conf"
  start nginx "$nginx" -p "$state" -c "$state/nginx.conf" -e "$state/nginx-error.log"
  await nginx curl -fs "http://127.0.0.1:$site_port/healthz/live"
  echo "http://localhost:$site_port" >"$state/address"
  echo "The site is at http://localhost:$site_port (ada / Correct-Horse-1), its nodes at $(cat "$state"/node*.address | tr '\n' ' ')"
  echo "Logs lie in $state. Stop it with scripts/cluster.sh down."
}

# Round robin and no stickiness. A node that is gone is passed over for what may be asked twice; a form is never sent to two.
write_nginx() {
  cat <<NGINX
daemon off;
$([ "$(id -u)" -eq 0 ] && echo 'user root;')
worker_processes 1;
pid $state/nginx-self.pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $state/body; proxy_temp_path $state/proxy;
  fastcgi_temp_path $state/fastcgi; uwsgi_temp_path $state/uwsgi; scgi_temp_path $state/scgi;
  upstream nodes { $2 keepalive 64; }
  server {
    listen 127.0.0.1:$1;
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host \$http_host;
      proxy_set_header X-Forwarded-For \$remote_addr;
      proxy_set_header X-Forwarded-Proto \$scheme;
      proxy_connect_timeout 2s;
      proxy_read_timeout 10s;
      proxy_buffer_size 16k; proxy_buffers 8 16k;
    }
  }
}
NGINX
}

status() {
  [ -e "$state" ] || fail "it is not up."
  local file name
  for file in "$state"/*.pid; do
    name=$(basename "$file" .pid)
    [ "$name" = nginx-self ] && continue
    echo "$name: $(kill -0 "$(cat "$file")" 2>/dev/null && echo "runs as $(cat "$file")" || echo gone)" \
      "$([ -e "$state/$name.address" ] && curl -s "http://$(cat "$state/$name.address")/healthz/ready")"
  done
}

# The balancer first, the stores last, each by the process id it was started with.
down() {
  [ -e "$state" ] || fail "it is not up."
  local name pid
  for name in nginx $(cd "$state" && ls node*.pid 2>/dev/null | sed 's/\.pid$//') redis postgres; do
    [ -e "$state/$name.pid" ] || continue
    pid=$(cat "$state/$name.pid")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 1 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -rf "$state"
  echo "The cluster is gone, and its data with it."
}

case "${1:-}" in
  up | down | status) "$1" ;;
  *) fail "say up, status or down." ;;
esac
