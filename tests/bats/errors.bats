#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: one clear line, the asked-for log line, exit 1, nothing left behind.
load helpers

# fails_with TEXT ARG...: exit 1, exactly one line, which has TEXT in it.
fails_with() {
	local text=$1

	run -1 bivalve "${@:2}"
	[ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output" >&2; return 1; }
	[[ $output == "bivalve: "*"$text"* ]] || { echo "got: $output" >&2; return 1; }
	nothing_left
}

@test "unknown commands and options are named" {
	fails_with "unknown command 'frobnicate'" frobnicate
	fails_with "unknown option '--frob' (see 'bivalve kill --help')" kill --frob=1 x
	fails_with "unknown option '-z'" delete -z x
	fails_with "option '--bundle' needs a value" create x --bundle
	fails_with "kill: missing argument (usage: bivalve kill [options] ID [SIGNAL])" kill
	fails_with "state: unexpected argument 'y'" state x y
	run -1 "$BIVALVE"
	[[ $output == *"no command"* ]]
	run -1 "$BIVALVE" --frob list
	[[ $output == *"unknown option '--frob'"* ]]
}

@test "ids with bad characters" {
	local id
	sleeper
	for id in . .. .hidden a/b 'a b' "a'b" ../x é ''; do
		fails_with "invalid container ID format" create --bundle "$BUNDLE" -- "$id"
	done
	fails_with "invalid container ID format" state "$(printf 'x%.0s' $(seq 256))"
}

@test "unknown containers" {
	local command
	for command in start state kill delete pause resume ps update events; do
		fails_with "container '$ID' does not exist" $command "$ID"
	done
}

@test "a folder that is no bundle" {
	fails_with "open bundle '/no/such/bundle'" create --bundle /no/such/bundle "$ID"
	mkdir empty
	fails_with "bundle 'empty'" create --bundle empty "$ID"
	fails_with "No such file or directory" create --bundle empty "$ID"
}

@test "configs at fault are named by their JSON path" {
	make_bundle
	local text filter
	while IFS='|' read -r text filter; do
		cp "$BUNDLE/config.json" good
		edit_config "$filter"
		fails_with "$text" create --bundle "$BUNDLE" "$ID"
		mv good "$BUNDLE/config.json"
	done <<-'EOC'
		/process/args|.process.args = "x"
		/process/args/1|.process.args = ["a", 7]
		/process/cwd|.process.cwd = "relative"
		/process: is required|del(.process)
		/linux/namespaces|.linux.namespaces += [{"type": "pid"}]
		/linux/namespaces|.linux.namespaces += [{"type": "nonsense"}]
		/process/rlimits|.process.rlimits += [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}]
		/root/path|.root.path = 7
		/ociVersion|.ociVersion = "2.0.0"
		/linux/resources/cpu/idle|.linux.resources.cpu.idle = 2
		/linux/resources/memory/limit|.linux.resources.memory.limit = "much"
		/annotations/org.bivalve.isolation|.annotations = {"org.bivalve.isolation": "cloud"}
		/linux/netDevices|.linux.netDevices = {"bats-none0": {}}
	EOC
}

@test "JSON that is none" {
	make_bundle
	printf '{"ociVersion": "1.0.0",' >"$BUNDLE/config.json"
	fails_with "config.json" create --bundle "$BUNDLE" "$ID"
	: >"$BUNDLE/config.json"
	fails_with "config.json" create --bundle "$BUNDLE" "$ID"
	printf '[1, 2]' >"$BUNDLE/config.json"
	fails_with "config.json" create --bundle "$BUNDLE" "$ID"
}

@test "a rootfs that is missing, or no folder" {
	make_bundle '.root.path = "nowhere"'
	fails_with "/bundle/nowhere" run --bundle "$BUNDLE" "$ID"
	echo >"$BUNDLE/file"
	edit_config '.root.path = "file"'
	fails_with "/bundle/file" run --bundle "$BUNDLE" "$ID"
}

@test "a mount that cannot be made is named" {
	make_bundle '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/no/such/source", "options": ["bind"]}]'
	run -1 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"/mounts/"*"/no/such/source"* ]]
	nothing_left
}

@test "programs that cannot be executed: 127 and 126 from run" {
	make_bundle '.process.args = ["no-such-program"]'
	run -127 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"executable file not found in"* ]]
	nothing_left
	set_args /bin/no-such-program
	run -127 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"o such file or directory"* ]]
	set_args /etc/passwd
	run -126 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"ermission denied"* ]]
	set_args /etc
	run -126 bivalve run --bundle "$BUNDLE" "$ID"
	printf '#!/no/such/interpreter\n' >"$BUNDLE/rootfs/bin/script"
	chmod +x "$BUNDLE/rootfs/bin/script"
	set_args /bin/script
	run -127 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"/no/such/interpreter"* ]]
	printf '\177ELF nonsense' >"$BUNDLE/rootfs/bin/script"
	run -126 bivalve run --bundle "$BUNDLE" "$ID"
	[[ $output == *"/bin/script"* ]]
	nothing_left
}

@test "a create that fails because of its program leaves nothing" {
	make_bundle '.process.args = ["no-such-program"]'
	fails_with "executable file not found in" create --bundle "$BUNDLE" "$ID"
}

@test "--log gets the error; text on stderr stays" {
	run -1 bivalve --log "$WORK/log" state "$ID"
	[ "$output" = "bivalve: container '$ID' does not exist" ]
	[[ $(cat log) == 'time="'*'" level=error msg="container '"'$ID'"' does not exist"' ]]
}

@test "--log-format json: one object, as podman and containerd read it" {
	run -1 bivalve --log-format=json --log "$WORK/log" state "$ID"
	[ "$(wc -l <log)" -eq 1 ]
	[ "$(jq -r .level log)" = error ]
	[ "$(jq -r .msg log)" = "container '$ID' does not exist" ]
	date --date "$(jq -r .time log)" >/dev/null
	# A second error is appended.
	run -1 bivalve --log-format json --log "$WORK/log" kill "$ID" 15
	[ "$(wc -l <log)" -eq 2 ]
	# Faults of the command line are told there, too.
	run -1 bivalve --log-format json --log "$WORK/log" kill --frob
	[ "$(tail -n 1 log | jq -r .msg)" = "unknown option '--frob' (see 'bivalve kill --help')" ]
}

@test "--log: a file that cannot be opened, formats and levels that are none" {
	fails_with "open log '/no/such/folder/log'" --log /no/such/folder/log list
	fails_with "option '--log-format'" --log-format yaml list
	fails_with "option '--log-level'" --log-level loud list
}

@test "a state root that others may write to is refused" {
	mkdir -m 0777 "$STATE"
	chmod 0777 "$STATE"
	run -1 bivalve state "$ID"
	[[ $output == *"is not private"* ]]
	chmod 0700 "$STATE"
	run -1 "$BIVALVE" --root / list
	[[ $output == *"cannot be the state root"* ]]
}

@test "what is not built yet says so" {
	make_bundle
	fails_with "VM isolation is not built yet" run --isolation vm --bundle "$BUNDLE" "$ID"
	fails_with "VM isolation is not built yet" --isolation=vm create --bundle "$BUNDLE" "$ID"
	edit_config '.annotations = {"org.bivalve.isolation": "vm"}'
	fails_with "VM isolation is not built yet" run --bundle "$BUNDLE" "$ID"
	edit_config 'del(.annotations) | .vm = {"kernel": {"path": "/boot/vmlinux"}}'
	fails_with "VM isolation is not built yet" run --bundle "$BUNDLE" "$ID"
	edit_config 'del(.vm)'
	ln -s "$BIVALVE" bivalve-vm
	run -1 ./bivalve-vm --root "$STATE" run --bundle "$BUNDLE" "$ID"
	[[ $output == *"VM isolation is not built yet"* ]]
	fails_with "'cloud' is neither 'container' nor 'vm'" run --isolation cloud --bundle "$BUNDLE" "$ID"
	fails_with "systemd cgroup driver is not built yet" --systemd-cgroup run --bundle "$BUNDLE" "$ID"
	fails_with "systemd cgroup driver is not built yet" --cgroup-manager systemd list
	fails_with "checkpoint: not supported yet" checkpoint --image-path /x --work-path /y "$ID"
	fails_with "restore: not supported yet" restore --bundle /x "$ID"
}

@test "checkpoint --help promises no option" {
	run -0 bivalve checkpoint --help
	[[ $output == *"not supported yet"* ]]
	[[ $output != *--tcp* ]]
}

@test "--help of every command shows its options and examples" {
	local command
	run -0 bivalve --help
	for command in $(printf '%s\n' "${lines[@]}" | sed -n '/^commands:/,/^options:/s/^  \([a-z]*\) .*/\1/p'); do
		run -0 bivalve "$command" --help
		[[ $output == "usage: bivalve $command"* ]]
		[[ $output == *--help* ]]
		case $command in checkpoint | restore) continue ;; esac
		[[ $output == *"examples:"*"bivalve $command"* ]]
	done
}

@test "--version: three lines" {
	run -0 bivalve --version
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^bivalve\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[[ ${lines[1]} =~ ^commit:\ . ]]
	[ "${lines[2]}" = "spec: 1.3.0" ]
	run -0 bivalve -v
}

@test "a closed stdin, stdout or stderr is not given to the container's files" {
	make_bundle '.process.args = ["/bin/sh", "-c", "ls -l /proc/self/fd >/tmp/fds"] | .root.readonly = false'
	bivalve run --bundle "$BUNDLE" "$ID" <&- >&- 2>&-
	grep -q '0 -> /dev/null' "$BUNDLE/rootfs/tmp/fds"
}
