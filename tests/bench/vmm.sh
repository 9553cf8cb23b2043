#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a machine costs beside its guest, with the bare-metal guest (make all guests), which runs under any KVM:
# the memory of bivalve-vmm beyond the guest's RAM, and the processor time from its start to its end with a guest
# whose first deed is to end the machine.
# usage: vmm.sh BUILD-DIR [ROUNDS]     BUILD-DIR: build/release; ROUNDS: 50
set -euo pipefail
bin=$(realpath "${1:?usage: vmm.sh BUILD-DIR [ROUNDS]}")
rounds=${2:-50}
vmm=$bin/bivalve-vmm kernel=$bin/guest/linux64
tmp=$(mktemp -d)
pid=''

# shellcheck disable=SC2317 # called by the trap
clean_up() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	rm -rf "$tmp"
}
trap clean_up EXIT

[ -w /dev/kvm ] || { echo "vmm.sh: no /dev/kvm" >&2; exit 1; }
[ -f "$kernel" ] || { echo "vmm.sh: no $kernel (make guests)" >&2; exit 1; }

# memory NAME OPTION...: KiB that are resident, without the guest's RAM: the one mapping as large as that.
memory() {
	local name=$1 i

	shift
	: >"$tmp/serial" # not that of the machine before
	"$vmm" --kernel "$kernel" --append hlt --memory 64m "$@" </dev/null >"$tmp/serial" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q cmdline "$tmp/serial" || break
		sleep 0.1
	done
	awk -v name="$name" '
		/^[0-9a-f]+-[0-9a-f]+ / { what = $6 }
		/^Size:/ { is_ram = $2 == 65536 }
		/^Rss:/ && !is_ram {
			all += $2
			if (what ~ /bivalve-vmm$/) program += $2
			else if (what == "[heap]") heap += $2
			else if (what ~ /^\[stack/) stack += $2
			else if (what ~ /kvm-vcpu/) vcpu += $2
			else if (what == "") anonymous += $2
			else other += $2
		}
		END {
			printf "%-34s %6.2f MiB  (KiB: program %d, heap %d, anonymous %d, stack %d, vCPUs %d, other %d)\n",
				name, all / 1024, program, heap, anonymous, stack, vcpu, other
		}' "/proc/$pid/smaps"
	kill -TERM "$pid"
	wait "$pid" || true
	pid=''
}

# cpu_ms NAME OPTION...: user and system time of a whole run, mean of the rounds; and the median wall time until the
# vCPUs run, by the program's own clock.
cpu_ms() {
	local name=$1 i TIMEFORMAT='%U %S' used

	shift
	used=$({ time for ((i = 0; i < rounds; i++)); do
		"$vmm" --kernel "$kernel" --append exit=0 --memory 128m "$@" </dev/null >/dev/null 2>&1
	done; } 2>&1)
	for ((i = 0; i < rounds; i++)); do
		"$vmm" --kernel "$kernel" --append exit=0 --memory 128m --log-level debug "$@" </dev/null 2>&1 >/dev/null |
			awk '/us: vCPUs run/ { for (j = 2; j <= NF; j++) if ($j == "us:") print $(j - 1) }'
	done | sort -n >"$tmp/wall"
	awk -v name="$name" -v n="$rounds" -v wall="$(sed -n "$(((rounds + 1) / 2))p" "$tmp/wall")" \
		'{ printf "%-34s %6.2f ms CPU to the end, %6.2f ms wall to the first instruction\n", name, ($1 + $2) * 1000 / n, wall / 1000 }' \
		<<<"$used"
}

truncate -s 1M "$tmp/disk"
mkdir "$tmp/folder"
devices=(--rng --balloon reporting --disk "$tmp/disk" --fs "tag=$tmp/folder")

echo 'memory beyond the guest'"'"'s RAM (aim: 2 MiB)'
memory '  no device'
memory '  rng, balloon, disk, folder' "${devices[@]}"
memory '  the same, 4 processors' --cpus 4 "${devices[@]}"
echo "start (aim: 3 ms CPU), $rounds rounds"
cpu_ms '  no device'
cpu_ms '  rng, balloon, disk, folder' "${devices[@]}"
