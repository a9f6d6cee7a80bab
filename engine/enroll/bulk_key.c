/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/key: asks for a new master key, tells how far sealing anew has come. */
#include "bulk_seal.h"

struct key_call {
	struct mst_mail mail;
	struct mst_sealer *sealer;
	struct mst_loop *back;
	struct mst_xchg *x;
	bool is_rotate;
	int rc;
	struct mst_err err;
	uint8_t number;
	bool is_behind;
	uint64_t num_sealed;
	enum seal_step step;
};

static void on_answer(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct key_call, mail)->x);
}

static void answer(struct key_call *call)
{
	struct mst_sealer *s = call->sealer;

	call->number = mst_seal_number(s->conf->seal);
	call->is_behind = s->is_behind || (call->is_rotate && call->rc == 0);
	call->num_sealed = call->is_rotate ? 0 : s->num_sealed;
	call->step = s->step;
	call->mail.on_mail = on_answer;
	mst_loop_post(call->back, &call->mail);
}

void mst_sealer_answer(struct mst_sealer *s)
{
	struct key_call *call = s->caller;

	s->caller = NULL;
	if (!call)
		return;
	call->rc = s->rc;
	call->err = s->err;
	answer(call);
}

static void on_call(struct mst_mail *mail)
{
	struct key_call *call = MST_HOME(mail, struct key_call, mail);
	struct mst_sealer *s = call->sealer;

	if (!call->is_rotate) {
		answer(call);
		return;
	}
	if (!s->conf->seal_path)
		call->rc = mst_fail(&call->err, MST_E_DENIED, "there is no key file to write");
	else if (s->step != SEAL_IDLE)
		call->rc =
			mst_fail(&call->err, MST_E_CONFLICT,
				 "what is sealed under the key before is still being sealed anew");
	if (call->rc < 0) {
		answer(call);
		return;
	}
	s->caller = call;
	mst_sealer_rotate(s);
	if (s->step != SEAL_NEW) {
		s->rc = -1;
		mst_sealer_answer(s);
	}
}

static enum mst_step ask(struct mst_xchg *x, bool is_rotate)
{
	struct mst_app *app = x->app;
	struct key_call *call = mst_arena_zero(&x->arena, sizeof(*call));

	if (!call || !app->bulk || !mst_bulk_limits0(app->bulk)->seal)
		return mst_xchg_refuse(x, MST_E_BUSY, "no keeper of the master key, or no memory");
	*call = (struct key_call){.sealer = mst_bulk_sealer0(app->bulk),
				  .back = app->loop,
				  .x = x,
				  .is_rotate = is_rotate};
	call->mail.on_mail = on_call;
	x->state = call;
	mst_bulk_post(app->bulk, &call->mail);
	return STEP_WAIT;
}

enum mst_step mst_key_rotate(struct mst_xchg *x)
{
	return ask(x, true);
}

enum mst_step mst_key_status(struct mst_xchg *x)
{
	return ask(x, false);
}

enum mst_step mst_key_told(struct mst_xchg *x)
{
	const struct key_call *call = x->state;
	struct mst_slice body;
	struct mst_json j;

	if (call->rc < 0) {
		x->err = call->err;
		return mst_xchg_fail(x);
	}
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_u64(&j, "key", call->number);
	mst_json_text(&j, "state", call->is_behind ? MST_S("sealing") : MST_S("settled"));
	mst_json_u64(&j, "sealed_anew", call->num_sealed);
	mst_json_close(&j);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, call->is_rotate ? 202 : 200, MST_JSON_TYPE, body);
}
