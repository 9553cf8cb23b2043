// SPDX-License-Identifier: GPL-2.0-or-later
/* The root object of config.json, and the entry points. */
#include "spec/parse.h"

#include "spec/base/fd.h"
#include "spec/parse_internal.h"

/*
 * ociVersion is SemVer, and every 1.x is compatible with us ("1.0.2-dev", "1.3.0+dev").
 * Source: OCI config.md, "Specification version".
 */
static bool is_version_1(const char *v)
{
	static const char digits[] = "0123456789";
	static const char tail[] = "0123456789.+-"
				   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n;

	if (!str_starts(v, "1."))
		return false;
	v += 2;
	n = strspn(v, digits);
	if (n == 0 || v[n] != '.')
		return false;
	v += n + 1;
	n = strspn(v, digits);
	if (n == 0)
		return false;
	v += n;
	return *v == '\0' || ((*v == '-' || *v == '+') && v[strspn(v, tail)] == '\0');
}

static void parse_version(struct json_reader *r, const struct json *root, struct config *out)
{
	parse_str_required(r, root, "ociVersion", &out->oci_version);
	if (r->rc == 0 && !is_version_1(out->oci_version))
		json_fail(r, json_get(root, "ociVersion"), "'%s' is not a version 1.x",
			  out->oci_version);
}

static void parse_root(struct json_reader *r, const struct json *root, struct config *out)
{
	const struct json *obj = json_require(r, root, "root");

	if (!obj || !json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "path", &out->root.path);
	(void)json_get_bool(r, obj, "readonly", &out->root.readonly);
}

static void parse_annotation(struct json_reader *r, const struct json *node,
			     struct config_annotation *out)
{
	out->key = arena_strdup(r->arena, json_key(node));
	if (!out->key)
		json_no_memory(r);
	else if (!*out->key)
		json_fail(r, node, "the key must not be empty");
	(void)json_as_str(r, node, &out->value);
}

static void parse_config(struct json_reader *r, const struct json *root, struct config *out)
{
	const struct json *obj;

	if (!json_check_object(r, root))
		return;
	parse_version(r, root, out);
	parse_root(r, root, out);
	obj = json_get_object(r, root, "process");
	out->process = parse_alloc(r, obj != NULL, sizeof(*out->process));
	if (out->process)
		parse_process(r, obj, out->process);
	parse_str(r, root, "hostname", &out->hostname);
	parse_str(r, root, "domainname", &out->domainname);
	PARSE_LIST(r, json_get_array(r, root, "mounts"), &out->mounts, parse_mount);
	parse_hooks(r, json_get_object(r, root, "hooks"), out->hooks);
	PARSE_LIST(r, json_get_object(r, root, "annotations"), &out->annotations, parse_annotation);
	parse_linux(r, json_get_object(r, root, "linux"), &out->linux_);
	obj = json_get_object(r, root, "vm");
	out->vm = parse_alloc(r, obj != NULL, sizeof(*out->vm));
	if (out->vm)
		parse_vm(r, obj, out->vm);
}

int config_parse(const char *text, size_t len, struct config *out, struct err *err)
{
	struct config c = { 0 };
	struct json_reader r = { .arena = &c.arena, .err = err };
	struct json_doc *doc = json_doc_parse(&r, text, len);

	if (doc)
		parse_config(&r, json_doc_root(doc), &c);
	json_doc_free(doc);
	if (r.rc) {
		config_fini(&c);
		return r.rc;
	}
	*out = c;
	return 0;
}

int config_load(int dir_fd, const char *name, struct config *out, struct buf *text, struct err *err)
{
	auto_buf struct buf own = BUF_INIT;
	struct buf *b = text ? text : &own;
	size_t start = b->len;
	int rc;

	rc = file_read_at(dir_fd, name, CONFIG_MAX_BYTES, b);
	if (rc < 0)
		return err_code(err, rc, "read '%s'", name);
	rc = config_parse(buf_str(b) + start, b->len - start, out, err);
	return rc < 0 ? err_wrap(err, rc, "config '%s'", name) : 0;
}

int process_parse(const char *text, size_t len, struct process_doc *out, struct err *err)
{
	struct process_doc p = { 0 };
	struct json_reader r = { .arena = &p.arena, .err = err };
	struct json_doc *doc = json_doc_parse(&r, text, len);

	if (doc && json_check_object(&r, json_doc_root(doc)))
		parse_process(&r, json_doc_root(doc), &p.process);
	json_doc_free(doc);
	if (r.rc) {
		process_doc_fini(&p);
		return r.rc;
	}
	*out = p;
	return 0;
}

void process_doc_fini(struct process_doc *doc)
{
	arena_fini(&doc->arena);
	*doc = (struct process_doc){ 0 };
}

int resources_parse(const char *text, size_t len, struct resources_doc *out, struct err *err)
{
	struct resources_doc d = { 0 };
	struct json_reader r = { .arena = &d.arena, .err = err };
	struct json_doc *doc = json_doc_parse(&r, text, len);

	if (doc && json_check_object(&r, json_doc_root(doc)))
		parse_resources(&r, json_doc_root(doc), &d.resources);
	json_doc_free(doc);
	if (r.rc) {
		resources_doc_fini(&d);
		return r.rc;
	}
	*out = d;
	return 0;
}

void resources_doc_fini(struct resources_doc *doc)
{
	arena_fini(&doc->arena);
	*doc = (struct resources_doc){ 0 };
}
