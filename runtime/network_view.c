// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads and shows what bivalve-net recorded. */
#include "runtime/network_view.h"

#include <string.h>

#include "netns/helper.h"
#include "spec/base/fd.h"
#include "spec/json.h"

static void read_end(struct json_reader *r, const struct json *node, struct network_view *out)
{
	size_t i = out->n;

	if (!json_check_object(r, node))
		return;
	(void)json_get_str(r, node, "network", &out->ends[i].network);
	(void)json_get_str(r, node, "interface", &out->ends[i].interface);
	(void)json_get_str(r, node, "mac", &out->ends[i].mac);
	(void)json_get_strv(r, node, "addresses", &out->ends[i].addresses);
	(void)json_get_strv(r, node, "ports", &out->ends[i].ports);
	out->n++;
}

void network_view_load(int dir_fd, struct network_view *out)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_reader r = { .arena = &out->arena };
	struct json_doc *doc;

	*out = (struct network_view){ .n = 0 };
	if (file_read_at(dir_fd, HELPER_ENDS_FILE, HELPER_ENDS_MAX_BYTES, &text) < 0)
		return;
	doc = json_doc_parse(&r, buf_str(&text), text.len);
	if (!doc)
		return;
	for (const struct json *v = json_first(json_doc_root(doc)); v && out->n < NETWORK_VIEW_MAX;
	     v = json_next(v))
		read_end(&r, v, out);
	json_doc_free(doc);
	if (r.rc < 0)
		out->n = 0;
}

void network_view_fini(struct network_view *v)
{
	arena_fini(&v->arena);
}

void network_view_write(struct json_writer *w, const struct network_view *v)
{
	if (v->n == 0)
		return;
	json_write_array(w, "networks");
	for (size_t i = 0; i < v->n; i++) {
		json_write_object(w, NULL);
		json_write_str(w, "network", v->ends[i].network);
		json_write_str(w, "interface", v->ends[i].interface);
		json_write_str(w, "mac", v->ends[i].mac);
		json_write_strv(w, "addresses", &v->ends[i].addresses);
		if (v->ends[i].ports.n)
			json_write_strv(w, "ports", &v->ends[i].ports);
		json_write_end(w);
	}
	json_write_end(w);
}

void network_view_text(const struct network_view *v, struct buf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < v->n; i++) {
		for (size_t k = 0; k < v->ends[i].addresses.n; k++) {
			const char *a = v->ends[i].addresses.v[k];

			buf_add_str(out, is_first ? "" : ",");
			buf_add(out, a, strcspn(a, "/"));
			is_first = false;
		}
	}
	if (is_first)
		buf_add_char(out, '-');
}
