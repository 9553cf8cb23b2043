// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks in the runtime's namespace, with the state on their stdin. */
#include "runtime/hooks.h"

#include <unistd.h>

#include "namespaces/hook.h"
#include "spec/base/log.h"

bool hooks_any(const struct config *c, enum config_hook_kind kind)
{
	return c->hooks[kind].n > 0;
}

/* Hooks begin in the bundle, as with the peers; a bundle that is gone is no reason not to run. */
static void enter_bundle(const struct container *c)
{
	if (chdir(c->state.bundle) < 0)
		log_debug("%s: enter bundle '%s': %m, ignoring", c->state.id, c->state.bundle);
}

static int prepare(const struct container *c, const struct state_view *view, struct buf *text,
		   struct hook_io *io, struct err *err)
{
	int rc = state_write_text(&c->state, view, JSON_COMPACT, text, err);

	if (rc < 0)
		return rc;
	enter_bundle(c);
	return hook_io_open(&c->config, io, err);
}

int hooks_run(const struct container *c, enum config_hook_kind kind, const struct state_view *view,
	      struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	struct hook_io io = HOOK_IO_INIT;
	int rc;

	if (!hooks_any(&c->config, kind))
		return 0;
	rc = prepare(c, view, &text, &io, err);
	if (rc == 0)
		rc = hook_run_all(&c->config, kind, buf_str(&text), &io, err);
	hook_io_close(&io);
	return rc;
}

void hooks_run_poststop(const struct container *c)
{
	const struct state_view view = { .status = CTR_STOPPED };
	const struct config_hooks *hooks = &c->config.hooks[HOOK_POSTSTOP];
	auto_buf struct buf text = BUF_INIT;
	struct hook_io io = HOOK_IO_INIT;
	struct err err = ERR_INIT;

	if (hooks->n == 0)
		return;
	if (prepare(c, &view, &text, &io, &err) < 0)
		log_warn("%s: %s, ignoring", c->state.id, err.msg);
	for (size_t i = 0; i < hooks->n; i++) {
		if (hook_run(&hooks->items[i], HOOK_POSTSTOP, i, buf_str(&text), &io, &err) < 0)
			log_warn("%s: %s, ignoring", c->state.id, err.msg);
	}
	hook_io_close(&io);
}
