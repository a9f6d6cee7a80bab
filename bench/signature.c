/* SPDX-License-Identifier: Apache-2.0 */
/* Mdm-Signature of devices that sign their messages: detached CMS with the device's certificate inside, base64. What a device
 * says again and again (Idle) is signed once, before anything is measured. */
#include "parts.h"
#include "muster/clock.h"
#include "muster/cms.h"
#include "muster/text.h"

static int sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_device_sim *dev, struct mst_slice body,
		struct mst_err *e)
{
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key,
				    .cert = dev->cert,
				    .digest = MST_CMS_SHA256,
				    .content = body,
				    .time_s = mst_clock_wall_ms() / 1000,
				    .is_detached = true};
	struct mst_slice der;
	char *text;

	mst_key_cms(&key, dev->signer);
	if (mst_cms_sign(&der, arena, &what, e) < 0)
		return -1;
	text = mst_arena_get(arena, MST_BASE64_LEN(der.len));
	if (!text)
		return mst_fail(e, MST_E_BUSY, "no memory");
	mst_base64_put(text, der);
	*out = mst_slice(text, MST_BASE64_LEN(der.len));
	return 0;
}

static int prepare_one(struct mst_device_sim *dev, struct mst_arena *arena, struct mst_err *e)
{
	char body[MESSAGE_ROOM];
	struct mst_slice text = dev->chain_pem, label;

	if (mst_key_read(&dev->signer, dev->key_pem, e) < 0 || mst_pem_next(&label, &dev->cert, &text, arena, e) <= 0)
		return mst_fail(e, MST_E_CONF, "%s: the identity cannot sign", dev->udid);
	return sign(&dev->idle_signature, arena, dev, mst_message_body(body, dev, DO_IDLE, ANSWER_ACKNOWLEDGED), e);
}

int mst_signature_prepare(struct mst_device_sim *devices, uint32_t num, struct mst_arena *arena, struct mst_err *e)
{
	for (uint32_t i = 0; i < num; i++)
		if (prepare_one(&devices[i], arena, e) < 0)
			return -1;
	return 0;
}

struct mst_slice mst_signature_get(struct mst_arena *arena, const struct mst_device_sim *dev, enum mst_do what, struct mst_slice body)
{
	struct mst_slice text = {NULL, 0};
	struct mst_err e;

	if (!dev->signer || what == DO_IDLE)
		return dev->idle_signature;
	BUG_ON(sign(&text, arena, dev, body, &e) < 0); /* it could when it was prepared */
	return text;
}
