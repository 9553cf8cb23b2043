#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Two commands on one container at once: one of them wins, the other one says why, the state stays
# whole. And many containers at once. BIVALVE_ROUNDS=N tries each pair N times.
# shellcheck disable=SC2030,SC2031,SC2034
load helpers

ROUNDS=${BIVALVE_ROUNDS:-8}

# both A B: runs two commands (arrays' names) at once; their exit codes in $code_a and $code_b, what
# they said in $said_a and $said_b.
both() {
	local -n first=$1 second=$2
	local pid_a pid_b

	"$BIVALVE" --root "$STATE" "${first[@]}" </dev/null >a.log 2>&1 3>&- &
	pid_a=$!
	"$BIVALVE" --root "$STATE" "${second[@]}" </dev/null >b.log 2>&1 3>&- &
	pid_b=$!
	code_a=0 code_b=0
	wait $pid_a || code_a=$?
	wait $pid_b || code_b=$?
	said_a=$(<a.log)
	said_b=$(<b.log)
	echo "$code_a: $said_a | $code_b: $said_b"
	[ "$(cat a.log b.log | grep -vc '^bivalve: ')" -eq 0 ]
	[ "$(wc -l <a.log)" -le 1 ]
	[ "$(wc -l <b.log)" -le 1 ]
}

# one_won TEXT: one command succeeded, the other one failed with TEXT.
one_won() {
	case $code_a$code_b in
	01) [[ $said_b == *$1* ]] && [ -z "$said_a" ] ;;
	10) [[ $said_a == *$1* ]] && [ -z "$said_b" ] ;;
	*) return 1 ;;
	esac
}

@test "concurrency: of two creates with one id, one wins" {
	local n
	local -a create=(create --bundle "$BUNDLE" "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		both create create
		one_won "container with given ID already exists"
		[ "$(status)" = created ]
		[ "$(own_processes | wc -l)" -eq 1 ]
		bivalve delete --force "$ID"
		nothing_left
	done
}

@test "concurrency: of two runs with one id, one wins" {
	local n
	local -a run=(run --detach --bundle "$BUNDLE" "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		both run run
		one_won "container with given ID already exists"
		[ "$(status)" = running ]
		bivalve delete --force "$ID"
	done
}

@test "concurrency: of two starts, one wins, and the program runs once" {
	local n
	local -a start=(start "$ID")

	make_bundle '.process.args = ["/bin/sh", "-c", "echo started >>/count; sleep 1000"] | .root.readonly = false'
	for ((n = 1; n <= ROUNDS; n++)); do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		both start start
		one_won "only a created one can be started"
		[ "$(status)" = running ]
		wait_until test -s "$BUNDLE/rootfs/count"
		[ "$(wc -l <"$BUNDLE/rootfs/count")" -eq 1 ]
		bivalve delete --force "$ID"
		rm "$BUNDLE/rootfs/count"
	done
}

@test "concurrency: of two deletes, one wins; with --force, both are content" {
	local n
	local -a delete=(delete "$ID") force=(delete --force "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		both delete delete
		one_won "does not exist"
		nothing_left
		start_sleeper
		both force force
		[ "$code_a$code_b$said_a$said_b" = 00 ]
		nothing_left
	done
}

@test "concurrency: kill while it is deleted" {
	local n
	local -a kill=(kill "$ID" TERM) force=(delete --force "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		start_sleeper
		both kill force
		[ "$code_b" -eq 0 ]
		[ "$code_a" -eq 0 ] || [[ $said_a == *"does not exist"* ]] || [[ $said_a == *"container not running"* ]]
		nothing_left
	done
}

@test "concurrency: create while the same id is deleted" {
	local n
	local -a force=(delete --force "$ID") create=(create --bundle "$BUNDLE" "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		start_sleeper
		both force create
		[ "$code_a" -eq 0 ]
		if [ "$code_b" -eq 0 ]; then
			# After the deletion, or in it: then it is a whole one, or gone.
			run bivalve state "$ID"
			[[ $output == *'"status": "created"'* ]] || [[ $output == *"does not exist"* ]]
		else
			[[ $said_b == *"container with given ID already exists"* ]]
		fi
		bivalve delete --force "$ID"
		nothing_left
	done
}

@test "concurrency: start while it is deleted" {
	local n
	local -a start=(start "$ID") force=(delete --force "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		bivalve create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
		both start force
		[ "$code_b" -eq 0 ]
		[ "$code_a" -eq 0 ] || [[ $said_a == *"does not exist"* ]]
		nothing_left
	done
}

@test "concurrency: exec while it is deleted leaves no process" {
	local n
	local -a exec=(exec "$ID" /bin/sleep 1000) force=(delete --force "$ID")

	sleeper
	for ((n = 0; n < ROUNDS; n++)); do
		start_sleeper
		both exec force
		[ "$code_b" -eq 0 ]
		# Killed with the container, or too late.
		[ "$code_a" -eq 137 ] || [ "$code_a" -eq 255 ]
		wait_until nothing_left 2>/dev/null
	done
}

@test "concurrency: execs at once, while it is paused and resumed" {
	local n
	local -a pids=()

	start_sleeper
	for ((n = 0; n < 10; n++)); do
		timeout 20 "$BIVALVE" --root "$STATE" exec --ignore-paused "$ID" /bin/sh -c "echo $n" </dev/null >"exec.$n" 2>&1 3>&- &
		pids+=($!)
		[ $n -ne 3 ] || bivalve pause "$ID"
		[ $n -ne 6 ] || bivalve resume "$ID"
	done
	for ((n = 0; n < 10; n++)); do
		wait "${pids[n]}"
		[ "$(<"exec.$n")" = $n ]
	done
}

@test "concurrency: state and list while containers come and go are whole" {
	local n pid

	sleeper
	(
		while [ ! -e stop ] && kill -0 $$; do # not beyond a test that failed
			start_sleeper 2>/dev/null
			bivalve delete --force "$ID"
		done
	) 3>&- &
	pid=$!
	for ((n = 0; n < 25; n++)); do
		bivalve list --format json >list.json
		jq -e 'type == "array"' list.json >/dev/null
		run bivalve state "$ID"
		if [ "$status" -eq 0 ]; then
			jq -e '.status | IN("creating", "created", "running", "stopped")' <<<"$output" >/dev/null
		else
			[ "$status" -eq 1 ]
			[[ $output == *"does not exist"* ]]
		fi
	done
	touch stop
	wait $pid
}

@test "concurrency: state of a container whose group goes while it is looked at" {
	local pid

	start_sleeper
	# That it has a group takes a second to see; then the group is gone.
	strace -qq -o trace -e trace=faccessat2 -e inject=faccessat2:delay_exit=1000000:when=1 \
		"$BIVALVE" --root "$STATE" state "$ID" >state.json 3>&- &
	pid=$!
	wait_until grep -q "$ID" trace
	bivalve delete --force "$ID"
	wait $pid
	[ "$(jq -r .status state.json)" = stopped ]
}

@test "concurrency: a hundred containers, twenty at once" {
	local batch n
	local -a pids

	sleeper
	for ((batch = 0; batch < 5; batch++)); do
		pids=()
		for ((n = 0; n < 20; n++)); do
			"$BIVALVE" --root "$STATE" run --detach --bundle "$BUNDLE" "$ID-$batch-$n" </dev/null >/dev/null 2>"run.$batch.$n" 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}"
	done
	[ "$(cat run.* | wc -c)" -eq 0 ]
	[ "$(bivalve list --quiet | wc -l)" -eq 100 ]
	[ "$(bivalve list --format json | jq '[.[] | select(.status == "running")] | length')" -eq 100 ]
	[ "$(bivalve list --format json | jq '[.[].pid] | unique | length')" -eq 100 ]
	for ((batch = 0; batch < 5; batch++)); do
		pids=()
		for ((n = 0; n < 20; n++)); do
			"$BIVALVE" --root "$STATE" delete --force "$ID-$batch-$n" </dev/null >"delete.$batch.$n" 2>&1 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}"
	done
	[ "$(cat delete.* | wc -c)" -eq 0 ]
	nothing_left
}

@test "concurrency: a hundred foreground runs, ten at once, each with its own exit code" {
	local n code
	local -a pids=()

	make_bundle '.process.args = ["/bin/sh", "-c", "exit $CODE"]'
	for ((n = 0; n < 10; n++)); do
		mkdir "$WORK/b$n"
		jq --arg code "CODE=$((n + 10))" '.process.env += [$code] | .root.path = "'"$BUNDLE"'/rootfs"' \
			"$BUNDLE/config.json" >"$WORK/b$n/config.json"
	done
	for ((n = 0; n < 100; n++)); do
		"$BIVALVE" --root "$STATE" run --bundle "$WORK/b$((n % 10))" "$ID-$n" </dev/null >"out.$n" 2>&1 3>&- &
		pids+=($!)
		((n % 10 == 9)) || continue
		for ((code = 10; code < 20; code++)); do
			local got=0
			wait "${pids[code - 10]}" || got=$?
			[ $got -eq $code ]
		done
		pids=()
	done
	[ "$(cat out.* | wc -c)" -eq 0 ]
	nothing_left
}
