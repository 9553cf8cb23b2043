#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# events: statistics and out-of-memory news as JSON lines.
load helpers

@test "events --stats: one line in the shape of runc's" {
	start_sleeper
	bivalve events --stats "$ID" >line
	[ "$(wc -l <line)" -eq 1 ]
	[ "$(jq -r .type line)" = stats ]
	[ "$(jq -r .id line)" = "$ID" ]
	[ "$(jq '.data.cpu.usage.total' line)" -gt 0 ]
	[ "$(jq '.data.cpu.throttling.periods' line)" -ge 0 ]
	[ "$(jq '.data.pids.current' line)" -eq 1 ]
	[ "$(jq '.data.memory.usage.usage' line)" -gt 0 ]
	[ "$(jq '.data.memory.raw | length' line)" -gt 3 ]
	[ "$(jq -r '.data.network_interfaces[0].Name' line)" = lo ]
	jq -e '.data | has("blkio") and has("hugetlb") and has("intel_rdt")' line
}

@test "events --interval: a line each time, until the container ends" {
	start_sleeper
	"$BIVALVE" --root "$STATE" events --interval 50ms "$ID" >lines 3>&- &
	local runner=$!
	wait_until eval '[ "$(wc -l <lines)" -ge 4 ]'
	bivalve kill "$ID" KILL
	wait $runner
	jq -e '.type == "stats"' lines >/dev/null
}

@test "events: the kernel killed because memory ran out" {
	make_bundle '.linux.resources.memory = {"limit": 16777216}'
	set_args sh -c 'while :; do tail -c 100m /dev/zero; sleep 0.2; done'
	bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	"$BIVALVE" --root "$STATE" events --interval 1h "$ID" >lines 3>&- &
	local runner=$!
	wait_until test -s lines
	bivalve start "$ID"
	wait_until grep -q '"type":"oom"' lines
	[ "$(jq -r 'select(.type == "oom") | .id' lines | head -n 1)" = "$ID" ]
	bivalve kill --all "$ID" KILL
	wait $runner
}

@test "events: intervals and containers that are none" {
	run -1 bivalve events --interval soon "$ID"
	[[ $output == *"option '--interval': 'soon' is not a time"* ]]
	run -1 bivalve events --interval 0s "$ID"
	make_bundle '.process.args = ["/bin/true"]'
	bivalve run --keep --bundle "$BUNDLE" "$ID"
	run -1 bivalve events --stats "$ID"
	[[ $output == *"container not running"* ]]
}
