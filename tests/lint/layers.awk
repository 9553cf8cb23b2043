# SPDX-License-Identifier: GPL-2.0-or-later
# Checks that every include points down: awk -f layers.awk LAYERS.TXT FILES.
# A line of LAYERS.TXT is "module: allowed-module ... <library> ...".
FNR == NR {
	sub(/#.*/, "")
	if (NF) {
		m = $1
		sub(/:$/, "", m)
		known[m] = 1
		for (i = 2; i <= NF; i++)
			allowed[m, $i] = 1
	}
	next
}

# The deepest listed folder that holds PATH, or "".
function module_of(path)
{
	while (sub(/\/[^\/]*$/, "", path))
		if (path in known)
			return path
	return ""
}

function complain(what)
{
	printf "%s:%d: %s may not %s\n", FILENAME, FNR, me, what
	bad = 1
}

FNR == 1 { me = module_of(FILENAME) }
me == "" { next }

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	to = module_of(part[2])
	if (to == "")
		complain("include \"" part[2] "\": name it by its full path")
	else if (to != me && !((me, to) in allowed))
		complain("include " part[2])
	if (part[2] ~ /_internal\.h$/ && to != me)
		complain("include the internal " part[2])
}

/^[ \t]*#[ \t]*include[ \t]*<(yajl|seccomp\.h|libmnl|libnftnl|sys\/capability)/ {
	split($0, part, /[<>]/)
	lib = part[2]
	sub(/\.h$/, "", lib)
	if (lib !~ /^sys/)
		sub(/\/.*/, "", lib)
	if (!((me, "<" lib ">") in allowed))
		complain("use <" part[2] ">")
}

END { exit bad }
