#!/usr/bin/env bats
load helpers
@test "dbg" {
	make_bundle '.process.args = ["/bin/sh", "-c", "mknod /dev/kmsg2 c 1 11; echo m $?; cat /dev/null; echo n $?; head -c 1 /dev/zero >/dev/null; echo z $?; head -c 1 /dev/kmsg2; echo k $?; id; cat /proc/self/status | grep Cap; ls -la /dev/"]
		| .process.capabilities |= map_values(. + ["CAP_MKNOD"])
		| .linux.resources.devices = [{allow: false, access: "rwm"}]'
	run bivalve run --bundle "$BUNDLE" "$ID"
	echo "$output" >&3
	false
}
