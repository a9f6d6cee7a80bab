/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a certificate may speak for a device. A certificate is bound to a device at Authenticate; every other message needs
 * that binding. One exception, so that a renewed identity does not lock its device out: a certificate that is not bound to
 * anybody, of the same CA and with the same subject name as the one the device had, younger than that one, and with a name that
 * is this device's own (it holds its id or serial number), takes the old one's place.
 */
#include <ctype.h>

#include "own.h"

/* Shorter ids and serial numbers say too little to be somebody's own. */
#define OWN_NAME_MIN 8

static const char *const words[NUM_VERDICTS] = {
#define X(name, meaning) [VERDICT_##name] = meaning,
	MDM_VERDICTS(X)
#undef X
};

const char *mst_identity_word(enum mdm_verdict verdict)
{
	BUG_ON((unsigned)verdict >= NUM_VERDICTS);
	return words[verdict];
}

static bool is_bound(const struct mst_device *device)
{
	static const uint8_t none[32];
	return memcmp(device->sha256, none, sizeof(none)) != 0;
}

int mst_identity_read(struct mst_read *r, struct mdm_facts *out, const struct mst_peer *peer, const struct mst_id *device)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mst_binding_get(r, &out->binding, peer->sha256);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->has_binding = rc > 0;
	rc = mst_device_get(r, &out->device, device);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->has_device = rc > 0;
	if (out->has_binding || !out->has_device || !is_bound(&out->device))
		return 0;
	rc = mst_binding_get(r, &out->bound, out->device.sha256);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->has_bound = rc > 0;
	return 0;
}

static bool is_word_char(uint8_t c)
{
	return isalnum(c) || c >= 0x80;
}

/* `name` holds `word` with nothing but punctuation or an end beside it; letters without case. */
static bool holds(struct mst_slice name, struct mst_slice word)
{
	if (word.len < OWN_NAME_MIN)
		return false;
	for (size_t i = 0; i + word.len <= name.len; i++) {
		size_t end = i + word.len;
		if ((i == 0 || !is_word_char(name.at[i - 1])) && (end == name.len || !is_word_char(name.at[end])) &&
		    mst_slice_case_eq(mst_slice(name.at + i, word.len), word))
			return true;
	}
	return false;
}

/* Younger, so that the old certificate cannot take the device back. */
static bool is_younger(const struct mst_peer *peer, const struct mst_binding *bound)
{
	return peer->not_before != bound->not_before ? peer->not_before > bound->not_before
						     : peer->not_after > bound->not_after;
}

static bool is_renewed(const struct mdm_facts *facts, const struct mst_peer *peer)
{
	const struct mst_device *device = &facts->device;
	struct mst_slice name = mst_slice_str(peer->name);

	return memcmp(peer->ca, device->ca, sizeof(peer->ca)) == 0 &&
	       memcmp(peer->subject, device->subject, sizeof(peer->subject)) == 0 &&
	       facts->has_bound && is_younger(peer, &facts->bound) &&
	       (holds(name, device->text) || holds(name, device->serial));
}

static enum mdm_verdict judge_unbound(const struct mdm_facts *facts, const struct mst_peer *peer,
				      enum mdm_occasion occasion, bool takes_unknown)
{
	if (occasion == OCCASION_AUTHENTICATE)
		return VERDICT_BIND;
	if (!facts->has_device || !is_bound(&facts->device)) {
		if (takes_unknown)
			return VERDICT_ADOPT;
		return facts->has_device ? VERDICT_STRANGER : VERDICT_UNKNOWN;
	}
	return is_renewed(facts, peer) ? VERDICT_REBIND : VERDICT_STRANGER;
}

enum mdm_verdict mst_identity_judge(const struct mdm_facts *facts, const struct mst_peer *peer, const struct mst_id *device,
				    enum mdm_occasion occasion, bool takes_unknown)
{
	enum mdm_verdict verdict = VERDICT_GOOD;

	if (!facts->has_binding)
		verdict = judge_unbound(facts, peer, occasion, takes_unknown);
	else if (memcmp(facts->binding.id.device, device->device, sizeof(device->device)) != 0)
		return VERDICT_OTHERS;
	else if (!facts->has_device && occasion != OCCASION_AUTHENTICATE)
		return VERDICT_UNKNOWN;
	/* Who checked out has to begin anew; only its CheckOut may come twice. */
	if ((verdict == VERDICT_GOOD || verdict == VERDICT_REBIND) && occasion == OCCASION_OTHER &&
	    facts->device.state == MST_DEVICE_CHECKED_OUT)
		return VERDICT_UNKNOWN;
	return verdict;
}

void mst_identity_write(struct mst_batch *b, struct mst_device *device, const struct mdm_facts *facts,
			const struct mst_peer *peer, enum mdm_verdict verdict, int64_t now_ms)
{
	struct mst_binding binding = {
		.id = device->id,
		.text = device->text,
		.not_before = peer->not_before,
		.not_after = peer->not_after,
		.bound_ms = now_ms,
	};

	if (!facts->has_binding) {
		if (is_bound(device))
			mst_binding_drop(b, device->sha256);
		mst_binding_put(b, &binding, peer->sha256);
	}
	if (verdict == VERDICT_REBIND)
		mst_history_add(b, &device->id,
				&(struct mst_history){.at_ms = now_ms,
						      .event = MST_EVENT_REBOUND,
						      .who = MST_S("device"),
						      .detail = mst_slice_str(peer->name)});
	memcpy(device->sha256, peer->sha256, sizeof(device->sha256));
	memcpy(device->ca, peer->ca, sizeof(device->ca));
	memcpy(device->subject, peer->subject, sizeof(device->subject));
}
