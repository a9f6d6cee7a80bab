/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signing key's topic shows instead of a certificate: a JSON Web Token (RFC 7519) signed with ES256 (RFC 7518 3.4).
 * Apple, "Establishing a token-based connection to APNs": renewed no sooner than 20 and no later than 60 minutes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/text.h"
#include "link.h"

#define LEAST_MS (20u * 60 * 1000)
#define RENEW_MS (50u * 60 * 1000)
#define ID_MAX   32 /* of key and team: Apple's have 10 */
#define HALF     32 /* bytes of r and of s */
#define TEXT_MAX 512

struct push_token {
	struct mst_key *key;
	char key_id[ID_MAX + 1], team_id[ID_MAX + 1];
	uint64_t made_ms; /* loop's clock */
	size_t len;       /* 0: none is made */
	char text[TEXT_MAX];
};

/* It stands in JSON as it is. */
static int take_id(char *out, struct mst_slice id, const char *what, struct mst_err *e)
{
	if (id.len == 0 || id.len > ID_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a %s has 1 to %d characters", what, ID_MAX);
	for (size_t i = 0; i < id.len; i++)
		if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'A' && id.at[i] <= 'Z') ||
		      (id.at[i] >= 'a' && id.at[i] <= 'z')))
			return mst_fail(e, MST_E_SYNTAX, "a %s has letters and digits only", what);
	memcpy(out, id.at, id.len);
	out[id.len] = '\0';
	return 0;
}

int mst_token_new(struct push_token **out, const struct mst_pushcert *cert, struct mst_err *e)
{
	struct push_token *token = calloc(1, sizeof(*token));

	if (!token)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (take_id(token->key_id, cert->key_id, "key id", e) < 0 || take_id(token->team_id, cert->team_id, "team id", e) < 0 ||
	    mst_key_read(&token->key, cert->key_pem, e) < 0)
		goto fail;
	if (mst_key_alg(token->key) != MST_SIG_ECDSA_SHA256) {
		mst_fail(e, MST_E_TYPE, "not a P-256 key");
		goto fail;
	}
	*out = token;
	return 0;
fail:
	mst_token_free(&token);
	return -1;
}

void mst_token_free(struct push_token **at)
{
	struct push_token *token = *at;

	*at = NULL;
	if (!token)
		return;
	mst_key_free(&token->key);
	mst_wipe(token, sizeof(*token));
	free(token);
}

/* base64url without padding, RFC 4648 5 and RFC 7515 2. */
static size_t put_url(char *out, struct mst_slice in)
{
	size_t len = MST_BASE64_LEN(in.len);

	mst_base64_put(out, in);
	while (len && out[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return len;
}

/* One INTEGER of a DER signature as 32 bytes; lengths are short there. */
static bool take_half(uint8_t *out, struct mst_slice *der)
{
	struct mst_slice n;

	if (der->len < 2 || der->at[0] != 2 || der->at[1] == 0 || der->at[1] > der->len - 2)
		return false;
	n = mst_slice(der->at + 2, der->at[1]);
	*der = mst_slice(n.at + n.len, der->len - 2 - n.len);
	while (n.len > HALF && n.at[0] == 0)
		n = mst_slice(n.at + 1, n.len - 1);
	if (n.len > HALF)
		return false;
	memset(out, 0, HALF);
	memcpy(out + HALF - n.len, n.at, n.len);
	return true;
}

/* SEQUENCE of r and s (RFC 3279 2.2.3) to r||s (RFC 7518 3.4). */
static bool flatten(uint8_t out[static 2 * HALF], struct mst_slice der)
{
	if (der.len < 2 || der.at[0] != 0x30 || der.at[1] != der.len - 2)
		return false;
	der = mst_slice(der.at + 2, der.len - 2);
	return take_half(out, &der) && take_half(out + HALF, &der) && der.len == 0;
}

static int sign(struct push_token *token, const char *text, size_t len, uint8_t out[static 2 * HALF], struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice der;
	int rc;

	mst_arena_init(&arena, NULL, 0);
	rc = mst_key_sign(&der, &arena, token->key, mst_slice(text, len), e);
	if (rc == 0 && !flatten(out, der))
		rc = mst_fail(e, MST_E_BUG, "a signature that is none");
	mst_arena_done(&arena);
	return rc;
}

static int make(struct push_token *token, uint64_t now_ms, struct mst_err *e)
{
	static const char before[] = "bearer ";
	char head[64 + ID_MAX], claims[64 + ID_MAX];
	char *text = token->text + sizeof(before) - 1, *at = text;
	uint8_t signature[2 * HALF];
	int head_len = snprintf(head, sizeof(head), "{\"alg\":\"ES256\",\"kid\":\"%s\"}", token->key_id);
	int claims_len = snprintf(claims, sizeof(claims), "{\"iss\":\"%s\",\"iat\":%lld}", token->team_id,
				  (long long)(mst_clock_wall_ms() / 1000));

	_Static_assert(sizeof(before) + MST_BASE64_LEN(sizeof(head)) + MST_BASE64_LEN(sizeof(claims)) + MST_BASE64_LEN(2 * HALF) + 2 <
		       TEXT_MAX, "all fits");
	memcpy(token->text, before, sizeof(before) - 1);
	at += put_url(at, mst_slice(head, (size_t)head_len));
	*at++ = '.';
	at += put_url(at, mst_slice(claims, (size_t)claims_len));
	token->len = 0;
	if (sign(token, text, (size_t)(at - text), signature, e) < 0)
		return -1;
	*at++ = '.';
	at += put_url(at, mst_slice(signature, sizeof(signature)));
	token->len = (size_t)(at - token->text);
	token->made_ms = now_ms;
	return 0;
}

int mst_token_bearer(struct push_token *token, struct mst_slice *out, uint64_t now_ms, struct mst_err *e)
{
	if ((token->len == 0 || now_ms - token->made_ms >= RENEW_MS) && make(token, now_ms, e) < 0)
		return -1;
	*out = mst_slice(token->text, token->len);
	return 0;
}

bool mst_token_renew(struct push_token *token, uint64_t sent_ms, uint64_t now_ms, uint64_t *may_ms)
{
	if (token->len == 0 || sent_ms < token->made_ms)
		return true; /* it was an older one */
	*may_ms = token->made_ms + LEAST_MS;
	if (now_ms < *may_ms)
		return false;
	token->len = 0;
	return true;
}
