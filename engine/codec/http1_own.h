/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of HTTP/1.1 framing share: the character tables and the head's bound. */
#ifndef CODEC_HTTP1_OWN_H
#define CODEC_HTTP1_OWN_H

#include "muster/http1.h"

/* RFC 9110 5.6.2: the lower-case form of a token's character, 0 for any other byte. */
extern const uint8_t mst_http1_token_chars[256];
#define token_chars mst_http1_token_chars

static inline size_t head_max(const struct mst_http1_limits *limits)
{
	return limits->head_max < MST_HTTP1_HEAD_MAX ? limits->head_max : MST_HTTP1_HEAD_MAX;
}

#endif
