#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo: real workloads from Debian packages in containers, each step with its command and what it
# printed. Usage: run.sh BIVALVE. Ends with a line per promise and exit code 1 if one was not kept.
set -euo pipefail
bivalve=$(realpath "$1")
cd "$(dirname "$0")/../.."
work=$PWD/build/demo
rootfs=$work/rootfs
share=$work/share
failed=0

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() {
	printf '$ %s\n' "$*" | sed "s|$bivalve|bivalve|g; s|$PWD/||g"
	"$@"
}
# verdict TEXT COMMAND...: one line per promise.
verdict() {
	local text=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "   ok: $text"
	else
		echo "   NOT OK: $text"
		failed=1
	fi
}
cleanup() {
	for id in demo-redis demo-nginx; do
		"$bivalve" delete --force "$id" 2>/dev/null || true
	done
}
# wait_for FILE: at most five seconds.
wait_for() {
	for _ in $(seq 50); do
		[ -e "$1" ] && return 0
		sleep 0.1
	done
	return 1
}

if [ "$(id -u)" -ne 0 ]; then
	echo 'run.sh: the demo sets memory and process limits: run it as root' >&2
	exit 1
fi
cleanup
trap cleanup EXIT

say 'A root file system from Debian packages (redis, nginx, busybox)'
show tests/demo/rootfs.sh "$rootfs" redis-server nginx-light busybox-static dash base-files
du -sh "$rootfs" | cut -f1
rm -rf "$share"
mkdir -p "$share"/{redis,nginx}
chown 1000:1000 "$share"/{redis,nginx}

run_in() { # run_in SHELL: both shells show the same; "vm" joins this list when it is built
	local shell=$1 start elapsed

	say "[$shell] one program"
	start=$(date +%s%N)
	# shellcheck disable=SC2016 # expanded by the shell in the container
	show "$bivalve" run --isolation "$shell" --rootfs "$rootfs" --rm demo-hello -- \
		/bin/busybox sh -c 'echo "hello from pid $$ on $(busybox hostname), uid $(busybox id -u)"'
	elapsed=$((($(date +%s%N) - start) / 1000))
	echo "   (${elapsed} us, the shell's fork included)"

	say "[$shell] redis as user 1000 on a read-only root, 64 MiB, 16 processes, its socket in a volume"
	show "$bivalve" run --isolation "$shell" --rootfs "$rootfs" --read-only --user 1000:1000 --detach \
		--memory 64m --pids-limit 16 --volume "$share/redis:/data" demo-redis -- \
		/usr/bin/redis-server --port 0 --unixsocket /data/redis.sock --unixsocketperm 777 --dir /data \
		--daemonize no --save '' >"$share/redis.log" 2>&1 </dev/null
	wait_for "$share/redis/redis.sock"
	printf '$ printf "SET shells 2\\r\\nGET shells\\r\\n" | socat - UNIX-CONNECT:redis.sock\n'
	printf 'SET shells 2\r\nGET shells\r\n' | socat -t 1 - "UNIX-CONNECT:$share/redis/redis.sock" | tee "$share/answer"
	verdict 'redis in the container answered the host' grep -q '^2' "$share/answer"
	show "$bivalve" list
	show "$bivalve" ps demo-redis
	show "$bivalve" exec demo-redis /usr/bin/redis-cli -s /data/redis.sock GET shells
	show "$bivalve" events --stats demo-redis | cut -c1-200
	show "$bivalve" pause demo-redis
	verdict 'a paused redis does not answer' bash -c \
		"! printf 'PING\r\n' | timeout 1 socat -t 1 - UNIX-CONNECT:$share/redis/redis.sock | grep -q PONG"
	show "$bivalve" resume demo-redis
	show "$bivalve" update --memory 96m demo-redis
	show "$bivalve" kill demo-redis TERM
	for _ in $(seq 50); do
		"$bivalve" state demo-redis | grep -q '"stopped"' && break
		sleep 0.1
	done
	show "$bivalve" delete demo-redis

	say "[$shell] nginx answers HTTP over a socket in a volume"
	cat >"$share/nginx/nginx.conf" <<-'EOF'
		daemon off; pid /data/nginx.pid; error_log /data/error.log;
		events { }
		http {
			access_log off;
			client_body_temp_path /data/b; proxy_temp_path /data/p; fastcgi_temp_path /data/f;
			uwsgi_temp_path /data/u; scgi_temp_path /data/s;
			server { listen unix:/data/web.sock; location / { return 200 "nginx, contained\n"; } }
		}
	EOF
	show "$bivalve" run --isolation "$shell" --rootfs "$rootfs" --read-only --user 1000:1000 --detach \
		--volume "$share/nginx:/data" demo-nginx -- /usr/sbin/nginx -c /data/nginx.conf -e /data/error.log \
		>"$share/nginx.log" 2>&1 </dev/null
	wait_for "$share/nginx/web.sock"
	printf '$ printf "GET / HTTP/1.0\\r\\n\\r\\n" | socat - UNIX-CONNECT:web.sock\n'
	printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 2 - "UNIX-CONNECT:$share/nginx/web.sock" | tee "$share/answer"
	verdict 'nginx in the container answered the host' grep -q 'nginx, contained' "$share/answer"
	show "$bivalve" delete --force demo-nginx

	say "[$shell] limits hold"
	local code=0
	show "$bivalve" run --isolation "$shell" --rootfs "$rootfs" --rm --memory 32m demo-memory -- \
		/bin/busybox sh -c 'busybox tail -c 200m /dev/zero' || code=$?
	echo "   exit code $code"
	verdict 'a program that wants 200 MiB with a limit of 32 MiB is killed (137)' [ "$code" -eq 137 ]
	"$bivalve" run --isolation "$shell" --rootfs "$rootfs" --rm --pids-limit 8 demo-pids -- \
		/bin/busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do busybox sleep 1 & done; wait' 2>&1 |
		tee "$share/answer" || true
	verdict 'the ninth process is refused with a limit of 8' grep -qi 'fork' "$share/answer"
}

run_in container

say 'result'
verdict 'no container is left' bash -c "! '$bivalve' list --quiet | grep -q '^demo-'"
[ "$failed" -eq 0 ] && echo 'every promise was kept'
exit "$failed"
