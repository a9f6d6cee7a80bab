/* SPDX-License-Identifier: Apache-2.0 */
/* The topic of a push certificate: the UID of its subject (Apple's own form of it). */
#include "sink.h"
#include "parts.h"

/* AttributeType userId, whole: 0.9.2342.19200300.100.1.1 (RFC 4519 2.39). */
static const uint8_t user_id[] = {0x06, 0x0a, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01};

void mst_topic_of(char out[static SINK_TOPIC_MAX + 1], struct mst_slice subject)
{
	const uint8_t *at = memmem(subject.at, subject.len, user_id, sizeof(user_id));
	size_t left, len, skip = 2;

	out[0] = 0;
	if (!at)
		return;
	at += sizeof(user_id); /* a string of any type: tag, length, bytes */
	left = (size_t)(subject.at + subject.len - at);
	if (left < 3)
		return;
	len = at[1];
	if (len == 0x81) {
		len = at[2];
		skip = 3;
	} else if (len > 0x7f) {
		return;
	}
	if (len + skip > left || len > SINK_TOPIC_MAX)
		return;
	memcpy(out, at + skip, len);
	out[len] = 0;
}

uint64_t mst_topic_hash(struct mst_slice topic)
{
	uint8_t hash[32];
	uint64_t first;

	mst_sha256(hash, topic);
	memcpy(&first, hash, sizeof(first));
	return first;
}
