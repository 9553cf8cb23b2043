// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading /proc/self/mountinfo. */
#include "namespaces/mountinfo.h"

#include <fcntl.h>
#include <string.h>

#include "spec/base/fd.h"
#include "spec/base/str.h"

int mountinfo_read(struct buf *out, struct err *err)
{
	int rc = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, out);

	return rc < 0 ? err_code(err, rc, "read '/proc/self/mountinfo'") : 0;
}

/* Space, tab, newline and backslash are written as \ooo. */
static void decode(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER" */
static bool parse_line(char *line, struct mountinfo *out)
{
	char *root = NULL, *point = NULL, *type = NULL, *super = NULL;
	char *save = NULL;
	int field = 0, behind_dash = 0;

	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		field++;
		if (field == 4)
			root = word;
		else if (field == 5)
			point = word;
		else if (field > 6 && !behind_dash && str_eq(word, "-"))
			behind_dash = 1;
		else if (behind_dash && ++behind_dash == 2)
			type = word;
		super = word;
	}
	if (!type || behind_dash < 3)
		return false;
	decode(root);
	decode(point);
	*out = (struct mountinfo){ root, point, type, super };
	return true;
}

bool mountinfo_next(char **text, struct mountinfo *out)
{
	char *line;

	while ((line = strsep(text, "\n"))) {
		if (*line && parse_line(line, out))
			return true;
	}
	return false;
}
