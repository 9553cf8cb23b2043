# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For files that look at a container from its inside; load it after helpers.

# run_script SCRIPT: /bin/sh -c SCRIPT in a container of $BUNDLE, to its end.
run_script() {
	edit_config '.process.args = ["/bin/sh", "-c", $script]' --arg script "$1"
	bivalve run --bundle "$BUNDLE" "$ID" </dev/null
}

# prints EXPECTED SCRIPT: SCRIPT succeeds inside and prints just this.
prints() {
	run --separate-stderr run_script "$2"
	[ "$status" -eq 0 ] && [ "$output" = "$1" ] && return
	printf 'wanted: %s\ngot (%d): %s\n%s\n' "$1" "$status" "$output" "$stderr" >&2
	return 1
}

# refused TEXT [ARG-OF-RUN...]: `run` exits with 1 and one line that has TEXT, and leaves nothing.
refused() {
	# Not for ever, where it is not refused.
	run -1 timeout 20 "$BIVALVE" --root "$STATE" run "${@:2}" --bundle "$BUNDLE" "$ID" </dev/null
	[ "${#lines[@]}" -eq 1 ] || { echo "not one line: $output" >&2; return 1; }
	[[ $output == *"$1"* ]] || { printf 'wanted: %s\ngot: %s\n' "$1" "$output" >&2; return 1; }
	nothing_left
}

# background [ARG-OF-RUN...]: runs the bundle detached.
background() {
	bivalve run --detach "$@" --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$WORK/stderr" ||
		{ cat "$WORK/stderr" >&2; return 1; }
}

# add_mount DESTINATION TYPE SOURCE [OPTION...]: at the end of the list.
add_mount() {
	edit_config '.mounts += [{ destination: $d, type: $t, source: $s, options: ($o | split(" ")) }]' \
		--arg d "$1" --arg t "$2" --arg s "$3" --arg o "${*:4}"
}

# host_mount ARG... FOLDER: a mount of the test's own, made and taken away on the host.
host_mount() {
	mkdir -p "${!#}"
	mount "$@"
	echo "${!#}" >>"$WORK/.host-mounts"
}

# Takes away what host_mount made, the newest first; a file with a clean_up of its own calls it.
host_unmount_all() {
	local folder

	[ ! -e "$WORK/.host-mounts" ] || tac "$WORK/.host-mounts" | while read -r folder; do
		umount -R "$folder" || return 1
	done
}

clean_up() {
	host_unmount_all
}

# inside_tool NAME: puts a program of tests/tools into $BUNDLE as /bin/NAME.
inside_tool() {
	local tool
	tool=$(dirname "$BIVALVE")/tools/$1

	[ -x "$tool" ] || { echo "missing $tool: make test-tools" >&2; return 1; }
	cp "$tool" "$BUNDLE/rootfs/bin/$1"
}
